//! How hosts ask their NAT for a port: NAT-PMP (RFC 6886), PCP (RFC 6887) and
//! UPnP's Internet Gateway Device, as far as the answers tell of mappings.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use memchr::memmem;

use crate::net::{Endpoint, Transport};
use crate::octets::{self, u8_at, u16_at, u32_at};

/// The port of NAT-PMP and PCP.
pub const PORT: u16 = 5351;

/// What the answer of a NAT tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its outside address, over NAT-PMP.
    Address(Ipv4Addr),
    /// A port, over NAT-PMP; the address is told apart.
    Port {
        /// For which protocol.
        transport: Transport,
        /// The port of whoever asked.
        inside: u16,
        /// The port outside.
        outside: u16,
    },
    /// A port and its address, over PCP.
    Mapping {
        /// For which protocol.
        transport: Transport,
        /// The port of whoever asked.
        inside: u16,
        /// Where it is reached.
        outside: Endpoint,
    },
}

/// Reads the answer of a NAT that did what it was asked to. What was refused
/// or taken back is no mapping.
#[must_use]
pub fn answer(octets: &[u8]) -> Option<Answer> {
    match u8_at(octets, 0)? {
        0 => nat_pmp(octets),
        2 => pcp(octets),
        _ => None,
    }
}

/// RFC 6886, 3.2 and 3.3.
fn nat_pmp(octets: &[u8]) -> Option<Answer> {
    if u16_at(octets, 2)? != 0 {
        return None;
    }
    let transport = match u8_at(octets, 1)? {
        128 => {
            let ip = Ipv4Addr::from_bits(u32_at(octets, 8)?);
            return Some(Answer::Address(ip));
        }
        129 => Transport::Udp,
        130 => Transport::Tcp,
        _ => return None,
    };
    let granted = u32_at(octets, 12)? > 0;
    granted.then_some(Answer::Port {
        transport,
        inside: u16_at(octets, 8)?,
        outside: u16_at(octets, 10)?,
    })
}

/// RFC 6887, 7.2 and 11.1: MAP, with result and lifetime.
fn pcp(octets: &[u8]) -> Option<Answer> {
    let is_map = u8_at(octets, 1)? == 0x81;
    let granted = u8_at(octets, 3)? == 0 && u32_at(octets, 4)? > 0;
    let transport = match u8_at(octets, 36)? {
        6 => Transport::Tcp,
        17 => Transport::Udp,
        _ => return None,
    };
    let ip: [u8; 16] = octets.get(44..60)?.try_into().ok()?;
    (is_map && granted).then_some(Answer::Mapping {
        transport,
        inside: u16_at(octets, 40)?,
        outside: Endpoint::new(
            IpAddr::V6(Ipv6Addr::from(ip)).to_canonical(),
            u16_at(octets, 42)?,
        ),
    })
}

/// What a control point of UPnP asks a gateway for, read from the segments of
/// its request as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GatewayRequest {
    /// Whether it asks for a mapping.
    pub adds: bool,
    /// `NewProtocol`.
    pub transport: Option<Transport>,
    /// `NewInternalClient`.
    pub client: Option<IpAddr>,
    /// `NewInternalPort`.
    pub inside: Option<u16>,
    /// `NewExternalPort`.
    pub outside: Option<u16>,
}

impl GatewayRequest {
    /// Whether octets begin a request that may be one.
    #[inline]
    #[must_use]
    pub fn may_begin(octets: &[u8]) -> bool {
        octets.starts_with(b"POST ")
    }

    /// Takes the octets of one more segment.
    pub fn read(&mut self, octets: &[u8]) {
        let octets = octets::span(octets, 0, MAX_SEGMENT);
        self.adds |= memmem::find(octets, b"#AddPortMapping").is_some()
            || memmem::find(octets, b"#AddAnyPortMapping").is_some();
        let text = |name| element(octets, name);
        self.transport = self.transport.or(match text("NewProtocol") {
            Some("UDP") => Some(Transport::Udp),
            Some("TCP") => Some(Transport::Tcp),
            _ => None,
        });
        let number = |name| text(name)?.parse().ok();
        self.inside = self.inside.or_else(|| number("NewInternalPort"));
        self.outside = self.outside.or_else(|| number("NewExternalPort"));
        let client = || text("NewInternalClient")?.parse().ok();
        self.client = self.client.or_else(client);
    }
}

/// The outside address that a gateway tells.
#[must_use]
pub fn gateway_address(octets: &[u8]) -> Option<IpAddr> {
    element(octets::span(octets, 0, MAX_SEGMENT), "NewExternalIPAddress")?
        .parse()
        .ok()
}

/// Whether octets begin the answer to a request that was granted.
#[must_use]
pub fn is_granted(octets: &[u8]) -> bool {
    matches!(octets.get(..7), Some(b"HTTP/1.")) && octets.get(8..12) == Some(b" 200")
}

/// Octets of a segment that are looked at: these messages are short.
const MAX_SEGMENT: usize = 4096;

/// The text of an element of XML that has no attributes and no children.
fn element<'a>(octets: &'a [u8], name: &str) -> Option<&'a str> {
    let open = format!("<{name}>");
    let at = memmem::find(octets, open.as_bytes())?.checked_add(open.len())?;
    let rest = octets::from(octets, at);
    let end = memchr::memchr(b'<', rest)?;
    std::str::from_utf8(octets::span(rest, 0, end)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_at_each_length() {
        let address = [0, 128, 0, 0, 0, 0, 0, 9, 203, 0, 113, 7];
        let port = [0, 129, 0, 0, 0, 0, 0, 9, 19, 196, 234, 96, 0, 0, 14, 16];
        let mut map = vec![2, 0x81, 0, 0, 0, 0, 14, 16];
        map.resize(36, 0);
        map.extend([6, 0, 0, 0, 19, 196, 234, 97]);
        map.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 203, 0, 113, 8]);
        let check = |octets: &[u8], expected| {
            assert_eq!(answer(octets), Some(expected));
            for cut in 0..octets.len() {
                assert_eq!(answer(&octets[..cut]), None, "{cut}");
            }
        };
        check(&address, Answer::Address(Ipv4Addr::new(203, 0, 113, 7)));
        let expected = Answer::Port {
            transport: Transport::Udp,
            inside: 5060,
            outside: 60_000,
        };
        check(&port, expected);
        let expected = Answer::Mapping {
            transport: Transport::Tcp,
            inside: 5060,
            outside: Endpoint::new(IpAddr::from([203, 0, 113, 8]), 60_001),
        };
        check(&map, expected);
        // Refused, taken back, asked for.
        for (octets, at, value) in [
            (port.to_vec(), 3, 2),
            (map.clone(), 3, 2),
            (map.clone(), 1, 1),
            (map.clone(), 36, 1),
            (port.to_vec(), 1, 1),
        ] {
            let mut other = octets;
            other[at] = value;
            assert_eq!(answer(&other), None, "{at}");
        }
        let mut gone = port;
        gone[12..].fill(0);
        assert_eq!(answer(&gone), None);
    }

    #[test]
    fn requests_of_control_points_come_in_parts() {
        let head = b"POST /ctl/IPConn HTTP/1.1\r\nSOAPAction: \
            \"urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping\"\r\n\r\n";
        let body = b"<NewExternalPort>6000</NewExternalPort><NewProtocol>UDP</NewProtocol>\
            <NewInternalPort>5060</NewInternalPort>\
            <NewInternalClient>192.168.1.7</NewInternalClient>";
        assert!(GatewayRequest::may_begin(head) && !GatewayRequest::may_begin(body));
        let mut request = GatewayRequest::default();
        request.read(head);
        request.read(body);
        let expected = GatewayRequest {
            adds: true,
            transport: Some(Transport::Udp),
            client: "192.168.1.7".parse().ok(),
            inside: Some(5060),
            outside: Some(6000),
        };
        assert_eq!(request, expected);
        let told = b"<NewExternalIPAddress>203.0.113.7</NewExternalIPAddress>";
        assert_eq!(gateway_address(told), "203.0.113.7".parse().ok());
        assert_eq!(gateway_address(&told[..30]), None);
        assert!(is_granted(b"HTTP/1.1 200 OK") && !is_granted(b"HTTP/1.1 500"));
    }
}
