//! Link-layer headers.

use std::net::{IpAddr, Ipv4Addr};

use etherparse::Ethernet2HeaderSlice;

use super::tunnel::{self, Way};
use super::{Content, Datagram, Ignored, LINKTYPE_HEP, MAX_DEPTH, Network, ip};
use crate::net::{Endpoint, Flow, Transport};
use crate::octets::{self, u8_at, u16_at, u32_at};
use crate::packet::LinkType;

const NULL: u32 = 0;
const ETHERNET: u32 = 1;
const PPP: u32 = 9;
const PPP_SERIAL: u32 = 50;
const PPP_ETHER: u32 = 51;
const RAW_BSD: u32 = 12;
const RAW_OPENBSD: u32 = 14;
const RAW: u32 = 101;
const LOOP: u32 = 108;
const C_HDLC: u32 = 104;
const LINUX_SLL: u32 = 113;
const MPLS: u32 = 219;
const IPV4: u32 = 228;
const IPV6: u32 = 229;
const NFLOG: u32 = 239;
const LINUX_SLL2: u32 = 276;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_PPPOE: u16 = 0x8864;
const ETHERTYPE_MPLS: u16 = 0x8847;
/// Labels that a switch of a multicast tree gave.
const ETHERTYPE_MPLS_UPSTREAM: u16 = 0x8848;

/// The name of a link type that users meet, read here or not.
#[must_use]
pub const fn link_type_name(number: u32) -> Option<&'static str> {
    Some(match number {
        NULL => "NULL",
        ETHERNET => "Ethernet",
        PPP | PPP_SERIAL => "PPP",
        RAW_BSD | RAW_OPENBSD | RAW => "RAW",
        C_HDLC => "C-HDLC",
        105 => "IEEE 802.11",
        LOOP => "LOOP",
        LINUX_SLL => "Linux cooked v1",
        PPP_ETHER => "PPPoE",
        MPLS => "MPLS",
        127 => "radiotap",
        147..=162 => "user",
        IPV4 => "IPv4",
        IPV6 => "IPv6",
        NFLOG => "NFLOG",
        252 => "exported PDU",
        LINUX_SLL2 => "Linux cooked v2",
        _ => return None,
    })
}

/// What a frame of `link_type` holds.
#[inline]
pub(super) fn content<'a>(link_type: LinkType, data: &'a [u8], way: &mut Way) -> Content<'a> {
    let cut = Content::Ignored(Ignored::CutHeader("link"));
    match link_type.0 {
        ETHERNET => ethernet(data, way),
        LINUX_SLL => match u16_at(data, 14) {
            Some(protocol) => ether_payload(protocol, octets::from(data, 16), way),
            None => cut,
        },
        LINUX_SLL2 => match u16_at(data, 0) {
            Some(protocol) if data.len() >= 20 => {
                ether_payload(protocol, octets::from(data, 20), way)
            }
            _ => cut,
        },
        NULL | LOOP => match u32_at(data, 0) {
            Some(family) => null_payload(family, octets::from(data, 4), way),
            None => cut,
        },
        RAW_BSD | RAW_OPENBSD | RAW | IPV4 | IPV6 => ip::content(data, way),
        PPP | PPP_SERIAL => ppp(data, way),
        PPP_ETHER => pppoe(data, way),
        MPLS => tunnel::mpls(data, way),
        // Unicast or broadcast, a control octet of 0, then an ethertype.
        C_HDLC => match (u8_at(data, 0), u16_at(data, 2)) {
            (Some(0x0f | 0x8f), Some(protocol)) => {
                ether_payload(protocol, octets::from(data, 4), way)
            }
            _ => Content::Ignored(Ignored::BadHeader("C-HDLC")),
        },
        NFLOG => nflog(data, way),
        // Nobody's type, by which logs are handed on; others may use it otherwise.
        own if own == LINKTYPE_HEP.0 && data.starts_with(b"HEP3") => bare_hep(data),
        other => Content::Ignored(Ignored::LinkType(other)),
    }
}

/// A packet of HEP that came by no way.
const fn bare_hep(data: &[u8]) -> Content<'_> {
    let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let end = Endpoint::new(nowhere, 0);
    Content::Datagram(Datagram {
        flow: Flow {
            src: end,
            dst: end,
            transport: Transport::Udp,
        },
        network: Network {
            src: nowhere,
            dst: nowhere,
            ttl: 0,
            dscp: 0,
            identification: None,
        },
        payload: data,
        truncated: false,
    })
}

/// An Ethernet frame.
#[inline]
pub(super) fn ethernet<'a>(data: &'a [u8], way: &mut Way) -> Content<'a> {
    match Ethernet2HeaderSlice::from_slice(data) {
        Ok(header) => ether_payload(header.ether_type().0, octets::from(data, 14), way),
        Err(_) => Content::Ignored(Ignored::CutHeader("link")),
    }
}

/// Whether an Ethernet frame may begin here: its type is one.
pub(super) fn may_be_ethernet(data: &[u8]) -> bool {
    u16_at(data, 12).is_some_and(|ethertype| ethertype >= 0x0600)
}

/// Whether an Ethernet frame with an IP packet begins here.
pub(super) fn is_ethernet(data: &[u8]) -> bool {
    let mut at = 12_usize;
    for _ in 0..MAX_DEPTH {
        match u16_at(data, at) {
            Some(ETHERTYPE_IPV4 | ETHERTYPE_IPV6) => {
                return tunnel::is_ip(octets::from(data, at.saturating_add(2)));
            }
            Some(0x8100 | 0x88a8 | 0x9100) => at = at.saturating_add(4),
            _ => return false,
        }
    }
    false
}

/// What follows an ethertype: VLAN tags (IEEE 802.1Q), then a network packet.
#[inline]
pub(super) fn ether_payload<'a>(
    mut ethertype: u16,
    mut data: &'a [u8],
    way: &mut Way,
) -> Content<'a> {
    for _ in 0..MAX_DEPTH {
        match ethertype {
            ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => return ip::content(data, way),
            0x8100 | 0x88a8 | 0x9100 => {
                let Some(inner) = u16_at(data, 2) else {
                    return Content::Ignored(Ignored::CutHeader("VLAN"));
                };
                ethertype = inner;
                data = octets::from(data, 4);
            }
            ETHERTYPE_PPPOE => return pppoe(data, way),
            ETHERTYPE_MPLS | ETHERTYPE_MPLS_UPSTREAM => return tunnel::mpls(data, way),
            // SNAP (IEEE 802) puts the ethertype behind a length.
            0..=1500 if data.starts_with(&[0xaa, 0xaa, 3, 0, 0, 0]) => {
                let Some(inner) = u16_at(data, 6).filter(|inner| *inner > 1500) else {
                    return Content::Ignored(Ignored::Llc);
                };
                ethertype = inner;
                data = octets::from(data, 8);
            }
            0..=1500 => return Content::Ignored(Ignored::Llc),
            other => return Content::Ignored(Ignored::EtherType(other)),
        }
    }
    Content::Ignored(Ignored::TooDeep)
}

/// A PPPoE session (RFC 2516): version and type 1, code 0.
fn pppoe<'a>(data: &'a [u8], way: &mut Way) -> Content<'a> {
    match u16_at(data, 0) {
        Some(0x1100) if way.deeper() => {
            let length = u16_at(data, 4).map_or(0, usize::from);
            ppp(octets::span(data, 6, length), way)
        }
        Some(0x1100) => Content::Ignored(Ignored::TooDeep),
        _ => Content::Ignored(Ignored::BadHeader("PPPoE")),
    }
}

/// The protocol field of PPP (RFC 1661) and what follows it.
pub(super) fn ppp<'a>(data: &'a [u8], way: &mut Way) -> Content<'a> {
    match ppp_field(data) {
        Some((0x0021 | 0x0057, inner)) => ip::content(inner, way),
        Some((0x0281 | 0x0283, inner)) => tunnel::mpls(inner, way),
        Some((other, _)) => Content::Ignored(Ignored::PppProtocol(other)),
        None => Content::Ignored(Ignored::CutHeader("PPP")),
    }
}

/// Whether a frame of PPP with an IP packet begins here.
pub(super) fn is_ppp(data: &[u8]) -> bool {
    matches!(ppp_field(data), Some((0x0021 | 0x0057, inner)) if tunnel::is_ip(inner))
}

/// The protocol field of PPP, which may be compressed to its one odd octet, and
/// what follows it. HDLC-like framing puts address and control before it.
fn ppp_field(data: &[u8]) -> Option<(u16, &[u8])> {
    let data = data.strip_prefix(&[0xff, 0x03]).unwrap_or(data);
    match u8_at(data, 0)? {
        short if short & 1 == 1 => Some((u16::from(short), octets::from(data, 1))),
        _ => Some((u16_at(data, 0)?, octets::from(data, 2))),
    }
}

/// What a Linux firewall rule logged: attributes with a length and a type in the
/// order of the logging machine, number 9 is the packet.
fn nflog<'a>(data: &'a [u8], way: &mut Way) -> Content<'a> {
    let mut rest = octets::from(data, 4);
    while let (Some(length), Some(kind)) = (u16_at(rest, 0), u16_at(rest, 2)) {
        // Both are small; most machines put the low end first.
        let swapped = kind > 0xff;
        let length = usize::from(if swapped { length.swap_bytes() } else { length });
        let kind = if swapped { kind.swap_bytes() } else { kind };
        let Some(size) = length.checked_sub(4) else {
            break;
        };
        if kind == 9 {
            return ip::content(octets::span(rest, 4, size), way);
        }
        rest = octets::from(rest, length.next_multiple_of(4));
    }
    Content::Ignored(Ignored::BadHeader("NFLOG"))
}

/// The address family of BSD's null link, in whichever byte order it was
/// written: the numbers are small, so one half is zero.
fn null_payload<'a>(family: u32, data: &'a [u8], way: &mut Way) -> Content<'a> {
    let family = if family > 0xffff {
        family.swap_bytes()
    } else {
        family
    };
    match family {
        2 | 10 | 24 | 28 | 30 => ip::content(data, way),
        other => Content::Ignored(Ignored::EtherType(u16::try_from(other).unwrap_or(u16::MAX))),
    }
}
