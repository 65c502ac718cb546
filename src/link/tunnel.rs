//! What carries packets within packets: GRE, ERSPAN, VXLAN, GENEVE, GTP-U, L2TP,
//! MPLS.
//!
//! A step inward is taken only where the structure of what is inside proves it:
//! media and signalling may use the ports of a tunnel.

use std::net::IpAddr;

use super::{Content, Ignored, MAX_DEPTH, Network, ip, layer2};
use crate::octets::{self, u8_at, u16_at, u32_at};

/// A way through the network that a packet took inside another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tunnel {
    /// What made it.
    pub kind: TunnelKind,
    /// Who put the packet in.
    pub src: IpAddr,
    /// Who takes it out.
    pub dst: IpAddr,
    /// What tells it from others between the two: a VXLAN network identifier, a
    /// key of GRE, a tunnel endpoint identifier of GTP, a session of ERSPAN or L2TP,
    /// the number of an agent.
    pub key: Option<u32>,
}

/// What makes a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunnelKind {
    /// IP in IP (RFC 2003, RFC 4213, RFC 2473).
    Ip,
    /// Generic routing encapsulation (RFC 2784, RFC 2890, RFC 2637).
    Gre,
    /// A switch's mirror over GRE.
    Erspan,
    /// RFC 7348.
    Vxlan,
    /// RFC 8926.
    Geneve,
    /// GPRS tunnelling, user plane (3GPP TS 29.281).
    Gtp,
    /// RFC 2661, RFC 3931.
    L2tp,
    /// MPLS in IP or UDP (RFC 4023, RFC 7510).
    Mpls,
    /// What a capture agent sent on (HEP).
    Hep,
    /// Between a client and its TURN server (RFC 8656).
    Turn,
}

impl TunnelKind {
    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::Gtp => "gtp-u",
            Self::L2tp => "l2tp",
            Self::Mpls => "mpls",
            Self::Hep => "hep",
            Self::Turn => "turn",
        }
    }

    /// Whether what comes through it is a copy that was made for whoever watches.
    #[must_use]
    pub const fn is_mirror(self) -> bool {
        matches!(self, Self::Erspan | Self::Hep)
    }

    /// Whether the same packets may be seen without it at the same place, or within
    /// another of its kind.
    #[must_use]
    pub const fn is_stretch(self) -> bool {
        self.is_mirror() || matches!(self, Self::Turn)
    }
}

/// How a decoder came to where it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Way {
    /// Packets around this one.
    pub depth: u8,
    /// The innermost of the tunnels around this packet.
    pub tunnel: Option<Tunnel>,
}

impl Way {
    /// One step inward; refused where there were too many.
    #[must_use]
    pub(super) fn deeper(&mut self) -> bool {
        let room = self.depth < MAX_DEPTH;
        self.depth = self.depth.saturating_add(1);
        room
    }

    fn enter(&mut self, kind: TunnelKind, network: &Network, key: Option<u32>) -> bool {
        let room = self.deeper();
        if room {
            self.tunnel = Some(Tunnel {
                kind,
                src: network.src,
                dst: network.dst,
                key,
            });
        }
        room
    }
}

const TOO_DEEP: Content<'static> = Content::Ignored(Ignored::TooDeep);

/// IP within IP.
pub(super) fn ip_in_ip<'a>(network: &Network, data: &'a [u8], way: &mut Way) -> Content<'a> {
    if !way.enter(TunnelKind::Ip, network, None) {
        return TOO_DEEP;
    }
    ip::content(data, way)
}

/// MPLS within IP (RFC 4023).
pub(super) fn mpls_in_ip<'a>(network: &Network, data: &'a [u8], way: &mut Way) -> Content<'a> {
    if !way.enter(TunnelKind::Mpls, network, None) {
        return TOO_DEEP;
    }
    mpls(data, way)
}

/// Generic routing encapsulation (RFC 2784, 2890), and PPP in its version 1
/// (RFC 2637).
pub(super) fn gre<'a>(network: &Network, data: &'a [u8], way: &mut Way) -> Content<'a> {
    let (Some(flags), Some(protocol)) = (u16_at(data, 0), u16_at(data, 2)) else {
        return Content::Ignored(Ignored::CutHeader("GRE"));
    };
    let field = |mask: u16| if flags & mask == 0 { 0 } else { 4_usize };
    let (checksum, key, sequence) = (field(0x8000), field(0x2000), field(0x1000));
    let key_at = checksum.saturating_add(4);
    let mut header = key_at.saturating_add(key).saturating_add(sequence);
    if flags & 0x0007 == 1 {
        header = header.saturating_add(field(0x0080));
    }
    // Version 1 has a length in the upper half.
    let mask = if flags & 0x0007 == 1 {
        0xffff
    } else {
        u32::MAX
    };
    let key = (key > 0).then(|| u32_at(data, key_at)).flatten();
    let key = key.map(|key| key & mask);
    let inner = octets::from(data, header);
    if matches!(protocol, 0x88be | 0x22eb) {
        return erspan(network, protocol, sequence > 0, inner, way);
    }
    if !way.enter(TunnelKind::Gre, network, key) {
        return TOO_DEEP;
    }
    match protocol {
        0x880b => layer2::ppp(inner, way),
        0x6558 => layer2::ethernet(inner, way),
        other => layer2::ether_payload(other, inner, way),
    }
}

/// What a switch mirrors: type I has no header, II one of 8 octets, III one of 12
/// and perhaps 8 more.
fn erspan<'a>(
    network: &Network,
    protocol: u16,
    has_sequence: bool,
    data: &'a [u8],
    way: &mut Way,
) -> Content<'a> {
    let (header, key) = match (protocol, has_sequence) {
        (0x88be, false) => (0, None),
        _ => {
            let (Some(version), Some(session)) = (u8_at(data, 0), u16_at(data, 2)) else {
                return Content::Ignored(Ignored::CutHeader("ERSPAN"));
            };
            let header = match (protocol, version >> 4) {
                (0x88be, 1) => 8,
                (0x22eb, 2) if u8_at(data, 11).is_some_and(|bits| bits & 1 == 1) => 20,
                (0x22eb, 2) => 12,
                _ => return Content::Ignored(Ignored::BadHeader("ERSPAN")),
            };
            (header, Some(u32::from(session & 0x03ff)))
        }
    };
    if !way.enter(TunnelKind::Erspan, network, key) {
        return TOO_DEEP;
    }
    layer2::ethernet(octets::from(data, header), way)
}

/// A stack of labels (RFC 3032), then IP, or Ethernet with or without a control
/// word (RFC 4448).
pub(super) fn mpls<'a>(mut data: &'a [u8], way: &mut Way) -> Content<'a> {
    if !way.deeper() {
        return TOO_DEEP;
    }
    for _ in 0..MAX_DEPTH {
        let Some(label) = u32_at(data, 0) else {
            return Content::Ignored(Ignored::CutHeader("MPLS"));
        };
        data = octets::from(data, 4);
        if label & 0x0100 == 0 {
            continue;
        }
        if is_ip(data) {
            return ip::content(data, way);
        }
        let control_word = u8_at(data, 0).is_some_and(|first| first >> 4 == 0);
        let after = octets::from(data, 4);
        return if layer2::is_ethernet(data) {
            layer2::ethernet(data, way)
        } else if control_word && layer2::may_be_ethernet(after) {
            layer2::ethernet(after, way)
        } else {
            // Nothing says what the labels stand for.
            Content::Ignored(Ignored::EtherType(0x8847))
        };
    }
    TOO_DEEP
}

/// L2TP version 3 in IP (RFC 3931, 4.1.1).
pub(super) fn l2tp_in_ip<'a>(network: &Network, data: &'a [u8], way: &mut Way) -> Content<'a> {
    match u32_at(data, 0) {
        Some(0) => Content::Ignored(Ignored::IpProtocol(115)),
        Some(session) => l2tp_session(network, session, octets::from(data, 4), way)
            .unwrap_or(Content::Ignored(Ignored::IpProtocol(115))),
        None => Content::Ignored(Ignored::CutHeader("L2TP")),
    }
}

/// The data of a session of L2TP version 3: how long its cookie is, and whether a
/// sublayer follows, was agreed elsewhere.
fn l2tp_session<'a>(
    network: &Network,
    session: u32,
    data: &'a [u8],
    way: &mut Way,
) -> Option<Content<'a>> {
    for skip in [0, 4, 8, 12] {
        let inner = octets::from(data, skip);
        if !layer2::is_ethernet(inner) && !layer2::is_ppp(inner) {
            continue;
        }
        return Some(if !way.enter(TunnelKind::L2tp, network, Some(session)) {
            TOO_DEEP
        } else if layer2::is_ethernet(inner) {
            layer2::ethernet(inner, way)
        } else {
            layer2::ppp(inner, way)
        });
    }
    None
}

/// What a datagram holds that a tunnel made; `None` where it shows none.
pub(super) fn in_udp<'a>(
    network: &Network,
    ports: (u16, u16),
    data: &'a [u8],
    way: &mut Way,
) -> Option<Content<'a>> {
    match ports {
        (_, 4789 | 8472) => vxlan(network, data, way),
        (_, 6081) => geneve(network, data, way),
        (2152, _) | (_, 2152) => gtp(network, data, way),
        (1701, _) | (_, 1701) => l2tp(network, data, way),
        (_, 6635) if is_ip(octets::from(data, 4)) => Some(mpls_in_ip(network, data, way)),
        _ => None,
    }
}

/// RFC 7348, 5: flags 0x08, what is reserved is zero.
fn vxlan<'a>(network: &Network, data: &'a [u8], way: &mut Way) -> Option<Content<'a>> {
    let (flags, identifier) = (u32_at(data, 0)?, u32_at(data, 4)?);
    let inner = octets::from(data, 8);
    if flags != 0x0800_0000 || identifier & 0xff != 0 || !layer2::may_be_ethernet(inner) {
        return None;
    }
    Some(
        if way.enter(TunnelKind::Vxlan, network, Some(identifier >> 8)) {
            layer2::ethernet(inner, way)
        } else {
            TOO_DEEP
        },
    )
}

/// RFC 8926, 3.4: version 0, options that fit, a protocol that is known.
fn geneve<'a>(network: &Network, data: &'a [u8], way: &mut Way) -> Option<Content<'a>> {
    let (first, second) = (u8_at(data, 0)?, u8_at(data, 1)?);
    let (protocol, identifier) = (u16_at(data, 2)?, u32_at(data, 4)?);
    let options = usize::from(first & 0x3f).saturating_mul(4);
    let inner = data.get(options.checked_add(8)?..)?;
    let fits = match protocol {
        0x6558 => layer2::may_be_ethernet(inner),
        0x0800 | 0x86dd => is_ip(inner),
        _ => false,
    };
    if first >> 6 != 0 || second & 0x3f != 0 || identifier & 0xff != 0 || !fits {
        return None;
    }
    Some(
        if !way.enter(TunnelKind::Geneve, network, Some(identifier >> 8)) {
            TOO_DEEP
        } else if protocol == 0x6558 {
            layer2::ethernet(inner, way)
        } else {
            ip::content(inner, way)
        },
    )
}

/// A user packet of GTP version 1 (3GPP TS 29.281, 5.1), with its extension
/// headers.
fn gtp<'a>(network: &Network, data: &'a [u8], way: &mut Way) -> Option<Content<'a>> {
    let (flags, kind, length) = (u8_at(data, 0)?, u8_at(data, 1)?, u16_at(data, 2)?);
    // Version 1, not primed, no reserved bit; 255 is a user packet.
    if flags & 0xf8 != 0x30 || kind != 255 {
        return None;
    }
    let endpoint = u32_at(data, 4)?;
    if usize::from(length).saturating_add(8) < data.len() {
        return None;
    }
    let mut header = 8_usize;
    if flags & 0x07 != 0 {
        let mut next = if flags & 0x04 == 0 {
            0
        } else {
            u8_at(data, 11)?
        };
        header = 12;
        for _ in 0..MAX_DEPTH {
            if next == 0 {
                break;
            }
            let units = usize::from(u8_at(data, header)?);
            if units == 0 {
                return None;
            }
            header = header.checked_add(units.checked_mul(4)?)?;
            next = u8_at(data, header.checked_sub(1)?)?;
        }
    }
    let inner = data.get(header..)?;
    if !is_ip(inner) {
        return None;
    }
    Some(if way.enter(TunnelKind::Gtp, network, Some(endpoint)) {
        ip::content(inner, way)
    } else {
        TOO_DEEP
    })
}

/// L2TP in UDP: version 2 with PPP (RFC 2661, 3.1), or version 3 (RFC 3931,
/// 4.1.2).
fn l2tp<'a>(network: &Network, data: &'a [u8], way: &mut Way) -> Option<Content<'a>> {
    let flags = u16_at(data, 0)?;
    if flags & 0x8000 != 0 {
        return None;
    }
    if flags & 0x000f == 3 {
        let session = u32_at(data, 4).filter(|_| flags == 3)?;
        return l2tp_session(network, session, octets::from(data, 8), way);
    }
    if flags & 0x000f != 2 || flags & 0x34f0 != 0 {
        return None;
    }
    let mut at = if flags & 0x4000 == 0 { 2 } else { 4 };
    let session =
        (u32::from(u16_at(data, at)?) << 16) | u32::from(u16_at(data, at.checked_add(2)?)?);
    at = at.checked_add(4)?;
    if flags & 0x0800 != 0 {
        at = at.checked_add(4)?;
    }
    if flags & 0x0200 != 0 {
        at = at
            .checked_add(2)?
            .checked_add(usize::from(u16_at(data, at)?))?;
    }
    let inner = data.get(at..)?;
    if !layer2::is_ppp(inner) {
        return None;
    }
    Some(if way.enter(TunnelKind::L2tp, network, Some(session)) {
        layer2::ppp(inner, way)
    } else {
        TOO_DEEP
    })
}

/// Whether octets are an IP packet: a header whose lengths and checksum agree.
pub(super) fn is_ip(data: &[u8]) -> bool {
    match u8_at(data, 0).map(|octet| octet >> 4) {
        Some(4) => {
            let length = usize::from(u8_at(data, 0).unwrap_or_default() & 0x0f).saturating_mul(4);
            let Some(header) = data.get(..length).filter(|_| length >= 20) else {
                return false;
            };
            let total = u16_at(data, 2).map_or(0, usize::from);
            // Segmentation offload leaves a total of 0, an unset checksum is 0.
            (total == 0 || total >= length)
                && (u16_at(data, 10) == Some(0) || checksum(header) == 0xffff)
        }
        Some(6) => {
            let next = u8_at(data, 6);
            data.len() >= 40
                && matches!(
                    next,
                    Some(0 | 4 | 6 | 17 | 41 | 43 | 44 | 47 | 50 | 51 | 58 | 60 | 132 | 135)
                )
                && u8_at(data, 7).is_some_and(|hops| hops > 0)
        }
        _ => false,
    }
}

/// The ones' complement sum of 16-bit words (RFC 1071).
fn checksum(header: &[u8]) -> u16 {
    let mut sum = header.chunks(2).fold(0_u32, |sum, pair| {
        sum.saturating_add(u32::from(u16_at(pair, 0).unwrap_or_default()))
    });
    while sum > 0xffff {
        sum = (sum >> 16).saturating_add(sum & 0xffff);
    }
    u16::try_from(sum).unwrap_or_default()
}
