//! From a captured frame to what a transport carries.
//!
//! [`decode`] is a pure function: it keeps no state, so it may run on any
//! thread. What needs memory (fragments, TCP streams) is handed on as it is;
//! reassembled datagrams enter again through [`decode_ip_payload`].

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

mod icmp;
mod ip;
mod layer2;
mod tunnel;

pub use icmp::{IcmpError, IcmpKind};
pub use ip::decode_ip_payload;
pub use layer2::link_type_name;
pub use tunnel::{Tunnel, TunnelKind};

use std::net::IpAddr;

use crate::net::{Endpoint, Flow, Transport};
use crate::octets;
use crate::packet::{LinkType, Packet, PacketRef};

/// The link type of packets of HEP alone: one that is for everybody's own use, LINKTYPE_USER0.
pub const LINKTYPE_HEP: LinkType = LinkType(147);

/// How many headers that contain another packet are entered; the bound keeps a
/// frame of nothing but tunnel headers from costing more than its length.
pub const MAX_DEPTH: u8 = 16;

/// A packet, decoded as far as no state is needed.
#[derive(Clone, Copy, Debug)]
pub struct Decoded<'a> {
    /// Which packet.
    pub at: PacketRef,
    /// Octets on the wire.
    pub original_length: u32,
    /// What it holds.
    pub content: Content<'a>,
    /// The innermost tunnel that it came through.
    pub tunnel: Option<Tunnel>,
}

/// What a packet holds.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// A UDP datagram.
    Datagram(Datagram<'a>),
    /// A TCP segment.
    Segment(Segment<'a>),
    /// Part of a fragmented IP packet.
    Fragment(Fragment<'a>),
    /// An ICMP error that quotes another packet.
    IcmpError(IcmpError<'a>),
    /// Nothing that is read here, with the reason.
    Ignored(Ignored),
}

/// What the network header said of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The sender.
    pub src: IpAddr,
    /// The receiver.
    pub dst: IpAddr,
    /// Hops the packet may still take; grows smaller on the way.
    pub ttl: u8,
    /// Differentiated services code point (RFC 2474).
    pub dscp: u8,
    /// The IPv4 identification; `None` in IPv6 without a fragment header.
    pub identification: Option<u32>,
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Who sent it to whom.
    pub flow: Flow,
    /// The network header's facts.
    pub network: Network,
    /// The payload, as much as was captured.
    pub payload: &'a [u8],
    /// Whether the capture, or a wrong length, cut the payload.
    pub truncated: bool,
}

/// A TCP segment (RFC 9293).
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Who sent it to whom.
    pub flow: Flow,
    /// The network header's facts.
    pub network: Network,
    /// The sequence number of the first octet (or of the SYN).
    pub sequence: u32,
    /// The next octet that the sender expects of its peer, if ACK is set.
    pub acknowledgment: Option<u32>,
    /// Whether SYN is set.
    pub syn: bool,
    /// Whether FIN is set.
    pub fin: bool,
    /// Whether RST is set.
    pub rst: bool,
    /// The octets, as many as were captured.
    pub payload: &'a [u8],
    /// Octets of payload that the capture cut.
    pub missing: u32,
}

/// Part of a fragmented IP packet (RFC 791, RFC 8200 section 4.5).
#[derive(Clone, Copy, Debug)]
pub struct Fragment<'a> {
    /// The network header's facts; `identification` is set.
    pub network: Network,
    /// The protocol of the whole.
    pub protocol: u8,
    /// Where the data belongs, in octets.
    pub offset: u32,
    /// Whether more fragments follow this one.
    pub more: bool,
    /// The octets of this part.
    pub data: &'a [u8],
}

/// Why a packet is not read further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ignored {
    /// A link-layer header type that is not read.
    LinkType(u32),
    /// A payload of the link that is not IP.
    EtherType(u16),
    /// An IEEE 802.3 frame with a length in place of a type.
    Llc,
    /// A protocol of PPP that is not IP.
    PppProtocol(u16),
    /// An IP protocol that carries no SIP here.
    IpProtocol(u8),
    /// A header that ends before it should.
    CutHeader(&'static str),
    /// A header that contradicts itself.
    BadHeader(&'static str),
    /// More packets within packets than are entered.
    TooDeep,
}

impl std::fmt::Display for Ignored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LinkType(number) => match link_type_name(*number) {
                Some(name) => write!(f, "link type {number} ({name})"),
                None => write!(f, "link type {number}"),
            },
            Self::EtherType(0x0806) => f.write_str("ARP"),
            Self::EtherType(number) => write!(f, "ethertype {number:#06x}"),
            Self::PppProtocol(number) => write!(f, "PPP protocol {number:#06x}"),
            Self::Llc => f.write_str("IEEE 802.3 frame"),
            Self::IpProtocol(1 | 58) => f.write_str("ICMP that is no error"),
            Self::IpProtocol(2) => f.write_str("IGMP"),
            Self::IpProtocol(50) => f.write_str("IPsec ESP"),
            Self::IpProtocol(132) => f.write_str("SCTP"),
            Self::IpProtocol(number) => write!(f, "IP protocol {number}"),
            Self::CutHeader(header) => write!(f, "{header} header cut"),
            Self::BadHeader(header) => write!(f, "{header} header malformed"),
            Self::TooDeep => write!(f, "more than {MAX_DEPTH} packets within packets"),
        }
    }
}

/// Decodes one packet.
#[inline]
#[must_use]
pub fn decode<'a>(packet: &Packet<'a>) -> Decoded<'a> {
    let mut way = tunnel::Way::default();
    let content = layer2::content(packet.link_type, packet.data, &mut way);
    Decoded {
        at: packet.at(),
        original_length: packet.original_length,
        content,
        tunnel: way.tunnel,
    }
}

/// What [`decode`] finds in most packets, by where it lies in them: a UDP datagram that
/// came through no tunnel. It may go from one thread to another before the octets do.
#[derive(Clone, Copy, Debug)]
pub struct Plain {
    network: Network,
    ports: (u16, u16),
    start: usize,
    length: usize,
    truncated: bool,
}

impl Plain {
    /// What a packet holds, if that is all.
    #[inline]
    #[must_use]
    pub fn of(packet: &Packet<'_>) -> Option<Self> {
        let decoded = decode(packet);
        let Content::Datagram(datagram) = decoded.content else {
            return None;
        };
        if decoded.tunnel.is_some() {
            return None;
        }
        // An empty one lies nowhere; any place will do.
        let lead = datagram.payload.as_ptr().addr();
        Some(Self {
            network: datagram.network,
            ports: (datagram.flow.src.port, datagram.flow.dst.port),
            start: lead.saturating_sub(packet.data.as_ptr().addr()),
            length: datagram.payload.len(),
            truncated: datagram.truncated,
        })
    }

    /// The same as [`decode`] of the packet that it is of.
    #[inline]
    #[must_use]
    pub fn decoded<'a>(&self, packet: &Packet<'a>) -> Decoded<'a> {
        let Network { src, dst, .. } = self.network;
        let flow = Flow {
            src: Endpoint::new(src, self.ports.0),
            dst: Endpoint::new(dst, self.ports.1),
            transport: Transport::Udp,
        };
        Decoded {
            at: packet.at(),
            original_length: packet.original_length,
            content: Content::Datagram(Datagram {
                flow,
                network: self.network,
                payload: octets::span(packet.data, self.start, self.length),
                truncated: self.truncated,
            }),
            tunnel: None,
        }
    }
}

#[cfg(test)]
mod tests;
