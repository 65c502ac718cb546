//! Whom a probe may ask: one host that was named, never a range.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};

use thiserror::Error;

use super::Carrier;
use crate::sip::build;

use crate::net::Endpoint;

/// A server as it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Host and port, as they were given.
    pub name: String,
    /// Where that is.
    pub endpoints: Vec<Endpoint>,
    /// Whether that was said, and not looked up.
    pub is_numeric: bool,
}

/// Why a target is refused.
#[derive(Debug, Error)]
pub enum TargetError {
    /// It is more than one host.
    #[error("{0} is a range; a probe asks one host that is named")]
    Range(String),
    /// It is a group, or everybody.
    #[error("{0} reaches more than one host: multicast and broadcast are never probed")]
    Many(IpAddr),
    /// It is nobody.
    #[error("{0} is no address of a host")]
    Nobody(IpAddr),
    /// It can't be read.
    #[error("{0}: no host, or a port that is no number")]
    Unreadable(String),
    /// It has no address.
    #[error("{name}: {error}")]
    Unknown {
        /// The name.
        name: String,
        /// What the resolver says.
        error: std::io::Error,
    },
}

/// Which addresses of a name are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// All.
    #[default]
    Any,
    /// IPv4.
    Four,
    /// IPv6.
    Six,
}

impl Family {
    /// Whether an address is one.
    #[must_use]
    pub const fn has(self, ip: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Four => ip.is_ipv4(),
            Self::Six => ip.is_ipv6(),
        }
    }
}

/// Finds a server by `host`, `host:port`, `[ip]:port` or a `stun:` or
/// `turn:` URI (RFC 7064, RFC 7065).
///
/// # Errors
///
/// When it is a range, no host, or has no address.
pub fn resolve(text: &str, default_port: u16, family: Family) -> Result<Target, TargetError> {
    let bare = text
        .strip_prefix("stun:")
        .or_else(|| text.strip_prefix("turn:"))
        .unwrap_or(text)
        .split('?')
        .next()
        .unwrap_or_default();
    if is_range(bare) {
        return Err(TargetError::Range(text.to_owned()));
    }
    let (host, port) = split(bare, default_port)
        .filter(|(host, port)| !host.is_empty() && *port > 0)
        .ok_or_else(|| TargetError::Unreadable(text.to_owned()))?;
    let found = match host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, port)],
        Err(_) => (host, port)
            .to_socket_addrs()
            .map_err(|error| TargetError::Unknown {
                name: host.to_owned(),
                error,
            })?
            .collect(),
    };
    let mut endpoints = Vec::new();
    for address in found {
        check(address.ip())?;
        let endpoint = Endpoint::new(address.ip(), address.port());
        if family.has(endpoint.ip) && !endpoints.contains(&endpoint) {
            endpoints.push(endpoint);
        }
    }
    if endpoints.is_empty() {
        let error = std::io::Error::other("no address of the wanted family");
        return Err(TargetError::Unknown {
            name: host.to_owned(),
            error,
        });
    }
    Ok(Target {
        name: bare.to_owned(),
        endpoints,
        is_numeric: host.parse::<IpAddr>().is_ok(),
    })
}

/// Whom a SIP URI names, as far as a probe follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipTarget {
    /// The user; empty for the host itself.
    pub user: String,
    /// The host, without brackets.
    pub host: String,
    /// Host and port, as they were given.
    pub host_port: String,
    /// Whether it is a `sips:` URI.
    pub is_secure: bool,
    /// Its port.
    pub port: Option<u16>,
    /// Its transport.
    pub carrier: Option<Carrier>,
}

impl SipTarget {
    /// The URI of a user of its host, as the host was named: where that leads changes
    /// nothing in it (RFC 3263, 4).
    #[must_use]
    pub(super) fn uri_of(&self, user: &str) -> rsip::Uri {
        let mut uri = build::uri(user, Endpoint::default());
        uri.scheme = Some(match self.is_secure {
            true => rsip::Scheme::Sips,
            false => rsip::Scheme::Sip,
        });
        // rsip prints no brackets, so an IPv6 host goes as a domain.
        let host = match self.host.parse() {
            Ok(ip) => build::host(ip),
            Err(_) => rsip::Host::Domain(self.host.clone().into()),
        };
        uri.host_with_port = rsip::HostWithPort {
            host,
            port: self.port.map(Into::into),
        };
        uri
    }

    /// What is asked for over a carrier: a `sips` URI says TLS by itself.
    #[must_use]
    pub(super) fn parameter(&self, carrier: Carrier) -> String {
        match carrier {
            Carrier::Tls if self.is_secure => String::new(),
            own => own.parameter(),
        }
    }

    /// An address of this host, for it to be reached at.
    #[must_use]
    pub(super) fn contact(&self, user: &str, local: Endpoint, carrier: Carrier) -> String {
        let mut own = build::uri(user, local);
        // RFC 3261, 8.1.1.8: who is asked by sips is answered by sips.
        if self.is_secure {
            own.scheme = Some(rsip::Scheme::Sips);
        }
        format!("<{own}{}>", self.parameter(carrier))
    }

    /// Reads a `sip:` or `sips:` URI, or a host alone.
    ///
    /// # Errors
    ///
    /// What of it can't be followed.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let scheme = text.split(':').next().unwrap_or_default();
        let rest = match scheme.to_ascii_lowercase().as_str() {
            "sip" => text.get(4..).unwrap_or_default(),
            "sips" => text.get(5..).unwrap_or_default(),
            "tel" => return Err("a number names no server"),
            _ => text,
        };
        let mut parts = rest.split([';', '?']);
        let address = parts.next().unwrap_or_default();
        let is_secure = scheme.eq_ignore_ascii_case("sips");
        let mut carrier = None;
        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else {
                continue;
            };
            if name.eq_ignore_ascii_case("transport") {
                let own = Carrier::of(value).filter(|own| *own != Carrier::Sctp);
                carrier = Some(own.ok_or("a transport that is not spoken here")?);
            }
        }
        // RFC 3261, 26.2.2: TLS over TCP, or WebSocket over TLS.
        let carrier = match carrier {
            Some(Carrier::Tcp) if is_secure => Some(Carrier::Tls),
            Some(Carrier::Ws) if is_secure => Some(Carrier::Wss),
            Some(Carrier::Udp) if is_secure => return Err("sips goes over nothing but TLS"),
            own => own,
        };
        let (user, host_port) = address.rsplit_once('@').unwrap_or(("", address));
        if user.contains(':') {
            return Err("a password in a URI is seen by everybody; leave it out");
        }
        if !user
            .bytes()
            .all(|own| own.is_ascii_graphic() && !b"<>\"@".contains(&own))
        {
            return Err("the user part holds what must be escaped (%HH)");
        }
        let (host, port) = split(host_port, 0).ok_or("no host, or a port that is no number")?;
        Ok(Self {
            user: user.to_owned(),
            host: host.to_owned(),
            host_port: host_port.to_owned(),
            is_secure,
            port: (port > 0).then_some(port),
            carrier,
        })
    }
}

/// The host of a name that was resolved.
#[must_use]
pub fn host(name: &str) -> &str {
    split(name, 0).map_or(name, |(host, _)| host)
}

/// Host and port.
fn split(text: &str, default_port: u16) -> Option<(&str, u16)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, port.parse().ok()?)),
            None => rest.is_empty().then_some((host, default_port)),
        };
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => Some((host, port.parse().ok()?)),
        // An IPv6 address without brackets.
        _ => Some((text, default_port)),
    }
}

/// `10.0.0.0/24`, `10.0.0.1-9`, `10.0.0.*`, `a,b`.
fn is_range(text: &str) -> bool {
    let is_numeric = |text: &str| {
        text.bytes()
            .all(|octet| octet.is_ascii_digit() || b".-".contains(&octet))
    };
    text.contains(['/', '*', ','])
        || text.contains(char::is_whitespace)
        || (text.contains('-') && is_numeric(text.split(':').next().unwrap_or_default()))
}

/// Whether an address is of one host.
///
/// # Errors
///
/// When it is of many, or of none.
pub fn check(ip: IpAddr) -> Result<(), TargetError> {
    let plain = ip.to_canonical();
    if plain.is_multicast() || plain == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err(TargetError::Many(ip));
    }
    if plain.is_unspecified() {
        return Err(TargetError::Nobody(ip));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m079_one_host_is_asked_and_never_a_range() {
        let good = |text: &str, expected: &str| {
            let target = resolve(text, 3478, Family::Any).expect(text);
            let told: Vec<String> = target.endpoints.iter().map(Endpoint::to_string).collect();
            assert_eq!(told, [expected], "{text}");
        };
        good("192.0.2.1", "192.0.2.1:3478");
        good("192.0.2.1:99", "192.0.2.1:99");
        good("stun:192.0.2.1?transport=udp", "192.0.2.1:3478");
        good("[2001:db8::1]:99", "[2001:db8::1]:99");
        good("2001:db8::1", "[2001:db8::1]:3478");
        let bad = |text: &str, words: &str| {
            let error = resolve(text, 3478, Family::Any).expect_err(text);
            assert!(error.to_string().contains(words), "{text}: {error}");
        };
        for range in [
            "192.0.2.0/24",
            "192.0.2.1-9",
            "192.0.2.*",
            "192.0.2.1,192.0.2.2",
        ] {
            bad(range, "is a range");
        }
        bad("224.0.0.1", "more than one host");
        bad("255.255.255.255", "more than one host");
        bad("[ff02::1]", "more than one host");
        bad("[::ffff:224.0.0.1]", "more than one host");
        bad("0.0.0.0", "no address of a host");
        bad("[::]:99", "no address of a host");
        bad("", "no host");
        bad(":99", "no host");
        bad("192.0.2.1:x", "no number");
        bad("192.0.2.1:0", "no number");
        let error = resolve("192.0.2.1", 3478, Family::Six).expect_err("IPv4");
        assert!(error.to_string().contains("family"), "{error}");
    }

    #[test]
    fn m086_uris_that_can_be_followed() {
        let good = |text: &str, user: &str, host: &str, port: Option<u16>, carrier| {
            let own = SipTarget::parse(text).expect(text);
            assert_eq!(
                (own.user.as_str(), own.host.as_str()),
                (user, host),
                "{text}"
            );
            assert_eq!((own.port, own.carrier), (port, carrier), "{text}");
            assert_eq!(own.is_secure, text.starts_with("sips"), "{text}");
        };
        good("sip:example.org", "", "example.org", None, None);
        good(
            "sip:bob@192.0.2.1:5070",
            "bob",
            "192.0.2.1",
            Some(5070),
            None,
        );
        let tcp = Some(Carrier::Tcp);
        good(
            "SIP:bob@[2001:db8::1];transport=TCP",
            "bob",
            "2001:db8::1",
            None,
            tcp,
        );
        good("192.0.2.1:5070", "", "192.0.2.1", Some(5070), None);
        good("sips:example.org", "", "example.org", None, None);
        good("sips:x;transport=tcp", "", "x", None, Some(Carrier::Tls));
        good("sips:x;transport=ws", "", "x", None, Some(Carrier::Wss));
        good("sip:x;transport=tls", "", "x", None, Some(Carrier::Tls));
        for bad in [
            "tel:+100",
            "sip:bob:secret@example.org",
            "sip:b b@example.org",
            "sip:example.org;transport=sctp",
            "sips:example.org;transport=udp",
            "sip:example.org:x",
        ] {
            assert!(SipTarget::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn uris_are_asked_for_as_they_were_named() {
        let local = Endpoint::new("10.0.0.1".parse().expect("an address"), 4000);
        let check = |text: &str, carrier: Carrier, uri: &str, contact: &str| {
            let own = SipTarget::parse(text).expect(text);
            let told = format!("{}{}", own.uri_of(&own.user), own.parameter(carrier));
            assert_eq!(told, uri, "{text}");
            assert_eq!(own.contact("me", local, carrier), contact, "{text}");
        };
        // Where DNS leads, and to which port, changes nothing.
        let (udp, tls) = (Carrier::Udp, Carrier::Tls);
        check(
            "sip:bob@x.test",
            udp,
            "sip:bob@x.test",
            "<sip:me@10.0.0.1:4000>",
        );
        check(
            "sip:x.test:5070",
            udp,
            "sip:x.test:5070",
            "<sip:me@10.0.0.1:4000>",
        );
        check(
            "sip:[2001:db8::1]",
            udp,
            "sip:[2001:db8::1]",
            "<sip:me@10.0.0.1:4000>",
        );
        let contact = "<sip:me@10.0.0.1:4000;transport=tls>";
        check("sip:x.test", tls, "sip:x.test;transport=tls", contact);
        check(
            "sips:bob@x.test",
            tls,
            "sips:bob@x.test",
            "<sips:me@10.0.0.1:4000>",
        );
        let contact = "<sips:me@10.0.0.1:4000;transport=ws>";
        check(
            "sips:x.test",
            Carrier::Wss,
            "sips:x.test;transport=ws",
            contact,
        );
    }
}
