//! Addresses: who spoke to whom, over what.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr};

/// An IP address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// The address.
    pub ip: IpAddr,
    /// The port.
    pub port: u16,
}

impl Endpoint {
    /// The endpoint of `ip` and `port`.
    #[must_use]
    pub const fn new(ip: IpAddr, port: u16) -> Self {
        Self { ip, port }
    }
}

/// In as few words as it fits: every packet's flow is hashed.
impl Hash for Endpoint {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.ip {
            IpAddr::V4(ip) => {
                state.write_u64(u64::from(u32::from(ip)) << 16 | u64::from(self.port));
            }
            IpAddr::V6(ip) => {
                state.write_u128(u128::from(ip));
                state.write_u16(self.port);
            }
        }
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            IpAddr::V4(ip) => write!(f, "{ip}:{}", self.port),
            IpAddr::V6(ip) => write!(f, "[{ip}]:{}", self.port),
        }
    }
}

/// What carries a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream of octets.
    Tcp,
    /// A stream that TLS protects.
    Tls,
    /// Messages of a WebSocket (RFC 7118).
    Ws,
    /// Messages of a WebSocket that TLS protects.
    Wss,
}

impl Transport {
    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// Whether the transport itself repeats what was lost (RFC 3261, 17).
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// What carries it at the bottom: datagrams or a stream.
    #[must_use]
    pub const fn carrier(self) -> Self {
        match self {
            Self::Udp => Self::Udp,
            Self::Tcp | Self::Tls | Self::Ws | Self::Wss => Self::Tcp,
        }
    }
}

/// A directed flow: one side's packets to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// The sender.
    pub src: Endpoint,
    /// The receiver.
    pub dst: Endpoint,
    /// What carries it.
    pub transport: Transport,
}

impl Flow {
    /// The other direction.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
            transport: self.transport,
        }
    }
}

impl Flow {
    /// The same flow over what is at the bottom.
    #[must_use]
    pub const fn carrier(self) -> Self {
        Self {
            src: self.src,
            dst: self.dst,
            transport: self.transport.carrier(),
        }
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} {}", self.src, self.dst, self.transport.name())
    }
}

/// Whether an address is only meaningful behind a NAT (RFC 1918, 6598, 4193).
#[must_use]
pub fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private() || ip.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Whether an address stands for one of IPv4 behind a translator (NAT64): the
/// prefixes of RFC 6052, 2.1, and RFC 8215.
#[must_use]
pub fn is_nat64(ip: IpAddr) -> bool {
    let IpAddr::V6(ip) = ip else {
        return false;
    };
    matches!(
        ip.segments(),
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] | [0x64, 0xff9b, 1, ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_bracket_version_six() {
        let check = |ip: &str, expected: &str| {
            let endpoint = Endpoint::new(ip.parse().expect("an address"), 5060);
            assert_eq!(endpoint.to_string(), expected);
        };
        check("192.0.2.1", "192.0.2.1:5060");
        check("2001:db8::1", "[2001:db8::1]:5060");
    }

    #[test]
    fn private_addresses_on_both_sides_of_each_bound() {
        let check = |ip: &str, expected| {
            assert_eq!(
                is_private(ip.parse().expect("an address")),
                expected,
                "{ip}"
            );
        };
        check("9.255.255.255", false);
        check("10.0.0.0", true);
        check("172.15.255.255", false);
        check("172.31.255.255", true);
        check("100.63.255.255", false);
        check("100.64.0.0", true);
        check("100.127.255.255", true);
        check("100.128.0.0", false);
        check("fd00::1", true);
        check("2001:db8::1", false);
    }

    #[test]
    fn translated_addresses_on_both_sides_of_each_bound() {
        let check = |ip: &str, expected: bool| {
            assert_eq!(is_nat64(ip.parse().expect("an address")), expected, "{ip}");
        };
        check("64:ff9b::c633:6411", true);
        check("64:ff9b::1:0:0", false);
        check("64:ff9a::c633:6411", false);
        check("64:ff9b:1:ffff::1", true);
        check("64:ff9b:2::1", false);
        check("100.64.255.155", false);
    }
}
