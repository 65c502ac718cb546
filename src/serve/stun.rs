//! What a STUN server answers, with two addresses (RFC 8489, RFC 5780).

use crate::net::Endpoint;
use crate::stun::build::{Told, Transaction, binding_error, binding_success};
use crate::stun::{Class, StunMessage};

/// The addresses of a server: each of two hosts at each of two ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Where it is asked.
    pub primary: Endpoint,
    /// Its other address and port, where it has some.
    pub alternate: Option<Endpoint>,
}

impl Addresses {
    /// All endpoints it has.
    #[must_use]
    pub fn all(&self) -> Vec<Endpoint> {
        let primary = self.primary;
        let mut all = vec![primary];
        if let Some(other) = self.alternate {
            all.extend([
                Endpoint::new(primary.ip, other.port),
                Endpoint::new(other.ip, primary.port),
                other,
            ]);
        }
        all
    }

    /// The one that differs in what is wanted.
    fn changed(&self, from: Endpoint, (ip, port): (bool, bool)) -> Option<Endpoint> {
        if !ip && !port {
            return Some(from);
        }
        let other = self.opposite(from)?;
        Some(Endpoint::new(
            if ip { other.ip } else { from.ip },
            if port { other.port } else { from.port },
        ))
    }

    /// The one that differs in both.
    fn opposite(&self, from: Endpoint) -> Option<Endpoint> {
        let other = self.alternate?;
        let primary = self.primary;
        Some(Endpoint::new(
            if from.ip == primary.ip {
                other.ip
            } else {
                primary.ip
            },
            if from.port == primary.port {
                other.port
            } else {
                primary.port
            },
        ))
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// From which of the server's endpoints.
    pub from: Endpoint,
    /// To whom.
    pub to: Endpoint,
    /// What.
    pub octets: Vec<u8>,
}

const SOFTWARE: &str = concat!("sip-inspect ", env!("CARGO_PKG_VERSION"));
/// Attributes that must be understood, and are (RFC 8489, 14; RFC 5780, 7).
const KNOWN: [u16; 12] = [
    0x0001, 0x0003, 0x0006, 0x0008, 0x0014, 0x0015, 0x0020, 0x0024, 0x0025, 0x0026, 0x0027, 0x001c,
];

/// What is answered to octets that came to `at`. An answer is never longer than
/// the request by more than its own attributes, so that nobody is flooded with
/// them by a forged source; it goes where the request came from, but for the
/// port.
#[must_use]
pub fn answer(addresses: &Addresses, at: Endpoint, from: Endpoint, octets: &[u8]) -> Option<Reply> {
    let message = StunMessage::parse(octets)?;
    let is_request = message.class == Class::Request && message.method == 1;
    if !is_request || message.header_fault().is_some() || message.fingerprint_ok() == Some(false) {
        return None;
    }
    let transaction: Transaction = message.transaction_id.last_chunk().copied()?;
    let refuse = |code, unknown: &[u16]| {
        Some(Reply {
            from: at,
            to: from,
            octets: binding_error(transaction, code, unknown),
        })
    };
    let kinds = message.attributes().map(|own| own.kind);
    let unknown: Vec<u16> = kinds
        .filter(|kind| *kind < 0x8000 && !KNOWN.contains(kind))
        .collect();
    if !unknown.is_empty() {
        return refuse(420, &unknown);
    }
    // RFC 5780, 6.1: together they could be used to flood somebody.
    if message.response_port().is_some() && message.padding().is_some() {
        return refuse(400, &[]);
    }
    let change = message.wanted_change().unwrap_or_default();
    let Some(origin) = addresses.changed(at, change) else {
        return refuse(420, &[0x0003]);
    };
    let told = Told {
        mapped: from,
        origin: Some(origin),
        other: addresses.opposite(at),
        software: SOFTWARE,
        padding: message
            .padding()
            .and_then(|own| u16::try_from(own).ok())
            .map(|own| own.min(1500)),
    };
    let port = message.response_port().unwrap_or(from.port);
    Some(Reply {
        from: origin,
        to: Endpoint::new(from.ip, port),
        octets: binding_success(transaction, &told),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stun::build::{Wanted, binding_request};

    fn endpoint(text: &str) -> Endpoint {
        let address: std::net::SocketAddr = text.parse().expect("an endpoint");
        Endpoint::new(address.ip(), address.port())
    }

    #[test]
    fn answers_come_from_where_they_are_wanted() {
        let addresses = Addresses {
            primary: endpoint("192.0.2.1:3478"),
            alternate: Some(endpoint("192.0.2.2:3479")),
        };
        let client = endpoint("198.51.100.7:4000");
        let check = |at: &str, change, expected: &str, other: &str| {
            let wanted = Wanted {
                change,
                ..Wanted::default()
            };
            let request = binding_request([7; 12], wanted);
            let reply = answer(&addresses, endpoint(at), client, &request).expect("an answer");
            assert_eq!((reply.from, reply.to), (endpoint(expected), client));
            let told = StunMessage::parse(&reply.octets).expect("a message");
            assert_eq!(told.mapped_address(), Some(client));
            assert_eq!(told.response_origin(), Some(endpoint(expected)));
            assert_eq!(told.other_address(), Some(endpoint(other)));
        };
        let other = "192.0.2.2:3479";
        check("192.0.2.1:3478", None, "192.0.2.1:3478", other);
        check("192.0.2.1:3478", Some((true, true)), other, other);
        check(
            "192.0.2.1:3478",
            Some((false, true)),
            "192.0.2.1:3479",
            other,
        );
        check(
            "192.0.2.1:3478",
            Some((true, false)),
            "192.0.2.2:3478",
            other,
        );
        check(
            "192.0.2.2:3479",
            Some((true, true)),
            "192.0.2.1:3478",
            "192.0.2.1:3478",
        );
    }

    #[test]
    fn what_is_no_request_is_not_answered_and_what_is_unknown_is_refused() {
        let addresses = Addresses {
            primary: endpoint("192.0.2.1:3478"),
            alternate: None,
        };
        let (at, client) = (addresses.primary, endpoint("198.51.100.7:4000"));
        let code = |octets: &[u8]| {
            let reply = answer(&addresses, at, client, octets)?;
            Some(StunMessage::parse(&reply.octets)?.error_code())
        };
        let plain = binding_request([7; 12], Wanted::default());
        assert_eq!(code(&plain), Some(None));
        for cut in 0..plain.len() {
            assert_eq!(code(&plain[..cut]), None, "{cut}");
        }
        let wanted = Wanted {
            change: Some((true, true)),
            ..Wanted::default()
        };
        assert_eq!(code(&binding_request([7; 12], wanted)), Some(Some(420)));
        let wanted = Wanted {
            response_port: Some(5),
            padding: Some(8),
            ..Wanted::default()
        };
        assert_eq!(code(&binding_request([7; 12], wanted)), Some(Some(400)));
        // An answer is none.
        let reply = answer(&addresses, at, client, &plain).expect("an answer");
        assert_eq!(code(&reply.octets), None);
    }
}
