//! ICMP errors and the packet they quote (RFC 792, RFC 4443).

use std::net::IpAddr;

use super::{Content, Ignored, Network};
use crate::net::{Endpoint, Flow, Transport};
use crate::octets::{self, u8_at, u16_at};

/// An ICMP error.
#[derive(Clone, Copy, Debug)]
pub struct IcmpError<'a> {
    /// Who reports it.
    pub reporter: IpAddr,
    /// What went wrong, in the RFC's words.
    pub kind: IcmpKind,
    /// The flow of the quoted packet, as its sender meant it.
    pub quoted: Flow,
    /// What is quoted of the payload; often nothing.
    pub payload: &'a [u8],
}

/// What an ICMP error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IcmpKind {
    /// Nothing listens at the port.
    PortUnreachable,
    /// The host does not answer.
    HostUnreachable,
    /// No route to the network.
    NetUnreachable,
    /// A filter forbids it.
    Prohibited,
    /// Larger than a link that may not fragment it.
    TooBig,
    /// Hops or reassembly time ran out.
    TimeExceeded,
    /// Any other.
    Other,
}

impl IcmpKind {
    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PortUnreachable => "port-unreachable",
            Self::HostUnreachable => "host-unreachable",
            Self::NetUnreachable => "net-unreachable",
            Self::Prohibited => "prohibited",
            Self::TooBig => "too-big",
            Self::TimeExceeded => "time-exceeded",
            Self::Other => "other",
        }
    }
}

pub(super) fn version_four(network: Network, data: &[u8]) -> Content<'_> {
    let (Some(kind), Some(code)) = (u8_at(data, 0), u8_at(data, 1)) else {
        return Content::Ignored(Ignored::CutHeader("ICMP"));
    };
    let kind = match (kind, code) {
        (3, 0 | 6) => IcmpKind::NetUnreachable,
        (3, 1 | 7) => IcmpKind::HostUnreachable,
        (3, 3) => IcmpKind::PortUnreachable,
        (3, 4) => IcmpKind::TooBig,
        (3, 9 | 10 | 13) => IcmpKind::Prohibited,
        (3 | 4 | 12, _) => IcmpKind::Other,
        (11, _) => IcmpKind::TimeExceeded,
        _ => return Content::Ignored(Ignored::IpProtocol(1)),
    };
    error(network, kind, octets::from(data, 8))
}

pub(super) fn version_six(network: Network, data: &[u8]) -> Content<'_> {
    let (Some(kind), Some(code)) = (u8_at(data, 0), u8_at(data, 1)) else {
        return Content::Ignored(Ignored::CutHeader("ICMPv6"));
    };
    let kind = match (kind, code) {
        (1, 0) => IcmpKind::NetUnreachable,
        (1, 1 | 5 | 6) => IcmpKind::Prohibited,
        (1, 3) => IcmpKind::HostUnreachable,
        (1, 4) => IcmpKind::PortUnreachable,
        (2, _) => IcmpKind::TooBig,
        (3, _) => IcmpKind::TimeExceeded,
        (1 | 4, _) => IcmpKind::Other,
        _ => return Content::Ignored(Ignored::IpProtocol(58)),
    };
    error(network, kind, octets::from(data, 8))
}

fn error(network: Network, kind: IcmpKind, quoted: &[u8]) -> Content<'_> {
    let bad = Content::Ignored(Ignored::CutHeader("quoted IP"));
    let Some(first) = u8_at(quoted, 0) else {
        return bad;
    };
    let (src, dst, protocol, header) = match first >> 4 {
        4 => {
            let address = |at| -> Option<IpAddr> {
                let octets: [u8; 4] = octets::span(quoted, at, 4).try_into().ok()?;
                Some(IpAddr::from(octets))
            };
            let header = usize::from(first & 0x0f).saturating_mul(4);
            (address(12), address(16), u8_at(quoted, 9), header)
        }
        6 => {
            let address = |at| -> Option<IpAddr> {
                let octets: [u8; 16] = octets::span(quoted, at, 16).try_into().ok()?;
                Some(IpAddr::from(octets))
            };
            (address(8), address(24), u8_at(quoted, 6), 40)
        }
        _ => return Content::Ignored(Ignored::BadHeader("quoted IP")),
    };
    let rest = octets::from(quoted, header);
    let transport = match protocol {
        Some(17) => Transport::Udp,
        Some(6) => Transport::Tcp,
        Some(other) => return Content::Ignored(Ignored::IpProtocol(other)),
        None => return bad,
    };
    let (Some(src), Some(dst), Some(src_port), Some(dst_port)) =
        (src, dst, u16_at(rest, 0), u16_at(rest, 2))
    else {
        return bad;
    };
    Content::IcmpError(IcmpError {
        reporter: network.src,
        kind,
        quoted: Flow {
            src: Endpoint::new(src, src_port),
            dst: Endpoint::new(dst, dst_port),
            transport,
        },
        payload: if transport == Transport::Udp {
            octets::from(rest, 8)
        } else {
            &[]
        },
    })
}
