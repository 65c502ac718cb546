//! Link-layer headers.

use etherparse::Ethernet2HeaderSlice;

use super::{Content, Ignored, MAX_DEPTH, ip};
use crate::octets::{self, u8_at, u16_at, u32_at};
use crate::packet::LinkType;

const NULL: u32 = 0;
const ETHERNET: u32 = 1;
const PPP: u32 = 9;
const PPP_SERIAL: u32 = 50;
const RAW_BSD: u32 = 12;
const RAW_OPENBSD: u32 = 14;
const RAW: u32 = 101;
const LOOP: u32 = 108;
const LINUX_SLL: u32 = 113;
const IPV4: u32 = 228;
const IPV6: u32 = 229;
const LINUX_SLL2: u32 = 276;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_PPPOE: u16 = 0x8864;

/// The name of a link type that users meet, read here or not.
#[must_use]
pub const fn link_type_name(number: u32) -> Option<&'static str> {
    Some(match number {
        NULL => "NULL",
        ETHERNET => "Ethernet",
        PPP | PPP_SERIAL => "PPP",
        RAW_BSD | RAW_OPENBSD | RAW => "RAW",
        105 => "IEEE 802.11",
        LOOP => "LOOP",
        LINUX_SLL => "Linux cooked v1",
        127 => "radiotap",
        147..=162 => "user",
        IPV4 => "IPv4",
        IPV6 => "IPv6",
        252 => "exported PDU",
        LINUX_SLL2 => "Linux cooked v2",
        _ => return None,
    })
}

/// What a frame of `link_type` holds.
#[inline]
pub(super) fn content(link_type: LinkType, data: &[u8]) -> Content<'_> {
    let cut = Content::Ignored(Ignored::CutHeader("link"));
    match link_type.0 {
        ETHERNET => match Ethernet2HeaderSlice::from_slice(data) {
            Ok(header) => ether_payload(header.ether_type().0, octets::from(data, 14)),
            Err(_) => cut,
        },
        LINUX_SLL => match u16_at(data, 14) {
            Some(protocol) => ether_payload(protocol, octets::from(data, 16)),
            None => cut,
        },
        LINUX_SLL2 => match u16_at(data, 0) {
            Some(protocol) if data.len() >= 20 => ether_payload(protocol, octets::from(data, 20)),
            _ => cut,
        },
        NULL | LOOP => match u32_at(data, 0) {
            Some(family) => null_payload(family, octets::from(data, 4)),
            None => cut,
        },
        RAW_BSD | RAW_OPENBSD | RAW | IPV4 | IPV6 => ip::content(data, 0),
        PPP | PPP_SERIAL => {
            // HDLC-like framing puts address and control before the protocol.
            let data = data.strip_prefix(&[0xff, 0x03]).unwrap_or(data);
            ppp_payload(data, 0)
        }
        other => Content::Ignored(Ignored::LinkType(other)),
    }
}

/// What follows an ethertype: VLAN tags (IEEE 802.1Q), then a network packet.
#[inline]
fn ether_payload(mut ethertype: u16, mut data: &[u8]) -> Content<'_> {
    for _ in 0..MAX_DEPTH {
        match ethertype {
            ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => return ip::content(data, 0),
            0x8100 | 0x88a8 | 0x9100 => {
                let Some(inner) = u16_at(data, 2) else {
                    return Content::Ignored(Ignored::CutHeader("VLAN"));
                };
                ethertype = inner;
                data = octets::from(data, 4);
            }
            // PPPoE session (RFC 2516): version and type 1, code 0.
            ETHERTYPE_PPPOE => {
                return match u16_at(data, 0) {
                    Some(0x1100) => {
                        let length = u16_at(data, 4).map_or(0, usize::from);
                        ppp_payload(octets::span(data, 6, length), 1)
                    }
                    _ => Content::Ignored(Ignored::BadHeader("PPPoE")),
                };
            }
            0..=1500 => return Content::Ignored(Ignored::Llc),
            other => return Content::Ignored(Ignored::EtherType(other)),
        }
    }
    Content::Ignored(Ignored::TooDeep)
}

/// The protocol field of PPP (RFC 1661) and what follows it.
pub(super) fn ppp_payload(data: &[u8], depth: u8) -> Content<'_> {
    match (u8_at(data, 0), u16_at(data, 0)) {
        // A compressed protocol field has one odd octet.
        (Some(0x21 | 0x57), _) => ip::content(octets::from(data, 1), depth),
        (_, Some(0x0021 | 0x0057)) => ip::content(octets::from(data, 2), depth),
        (_, Some(other)) => Content::Ignored(Ignored::EtherType(other)),
        (_, None) => Content::Ignored(Ignored::CutHeader("PPP")),
    }
}

/// The address family of BSD's null link, in whichever byte order it was
/// written: the numbers are small, so one half is zero.
fn null_payload(family: u32, data: &[u8]) -> Content<'_> {
    let family = if family > 0xffff {
        family.swap_bytes()
    } else {
        family
    };
    match family {
        2 | 10 | 24 | 28 | 30 => ip::content(data, 0),
        other => Content::Ignored(Ignored::EtherType(u16::try_from(other).unwrap_or(u16::MAX))),
    }
}
