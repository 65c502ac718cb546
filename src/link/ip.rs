//! IPv4, IPv6 and what they carry.

use std::net::IpAddr;

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice, TcpHeaderSlice, UdpSlice};

use super::{Content, Datagram, Fragment, Ignored, MAX_DEPTH, Network, Segment, icmp, layer2};
use crate::net::{Endpoint, Flow, Transport};
use crate::octets::{self, u8_at, u16_at, u32_at};

/// The most IPv6 extension headers that are walked; RFC 8200 knows of seven.
const MAX_EXTENSIONS: usize = 12;

/// What an IP packet holds.
#[inline]
pub(super) fn content(data: &[u8], depth: u8) -> Content<'_> {
    match u8_at(data, 0).map(|octet| octet >> 4) {
        Some(4) => version_four(data, depth),
        Some(6) => version_six(data, depth),
        Some(_) => Content::Ignored(Ignored::BadHeader("IP")),
        None => Content::Ignored(Ignored::CutHeader("IP")),
    }
}

#[inline]
fn version_four(data: &[u8], depth: u8) -> Content<'_> {
    let Ok(header) = Ipv4HeaderSlice::from_slice(data) else {
        return Content::Ignored(if data.len() < 20 {
            Ignored::CutHeader("IPv4")
        } else {
            Ignored::BadHeader("IPv4")
        });
    };
    let network = Network {
        src: IpAddr::V4(header.source_addr()),
        dst: IpAddr::V4(header.destination_addr()),
        ttl: header.ttl(),
        dscp: header.dcp().value(),
        identification: Some(u32::from(header.identification())),
    };
    let header_length = header.slice().len();
    // A total length of 0 is what segmentation offload leaves behind.
    let total = match usize::from(header.total_len()) {
        0 => data.len(),
        total if total < header_length => return Content::Ignored(Ignored::BadHeader("IPv4")),
        total => total,
    };
    let payload = octets::span(data, header_length, total.saturating_sub(header_length));
    let missing = total
        .saturating_sub(header_length)
        .saturating_sub(payload.len());
    let protocol = header.protocol().0;
    if header.is_fragmenting_payload() {
        return Content::Fragment(Fragment {
            network,
            protocol,
            offset: u32::from(header.fragments_offset().value()).saturating_mul(8),
            more: header.more_fragments(),
            data: payload,
        });
    }
    transport(network, protocol, payload, missing, depth)
}

fn version_six(data: &[u8], depth: u8) -> Content<'_> {
    let Ok(header) = Ipv6HeaderSlice::from_slice(data) else {
        return Content::Ignored(Ignored::CutHeader("IPv6"));
    };
    let mut network = Network {
        src: IpAddr::V6(header.source_addr()),
        dst: IpAddr::V6(header.destination_addr()),
        ttl: header.hop_limit(),
        dscp: header.dscp().value(),
        identification: None,
    };
    let declared = match usize::from(header.payload_length()) {
        0 => data.len().saturating_sub(40),
        length => length,
    };
    let mut payload = octets::span(data, 40, declared);
    let missing = declared.saturating_sub(payload.len());
    let mut next = header.next_header().0;
    for _ in 0..MAX_EXTENSIONS {
        let length = match next {
            // Hop-by-hop, routing, destination, mobility, HIP, shim6: units of 8.
            0 | 43 | 60 | 135 | 139 | 140 => u8_at(payload, 1)
                .map(|units| usize::from(units).saturating_add(1).saturating_mul(8)),
            // Authentication header (RFC 4302): units of 4, less 2.
            51 => u8_at(payload, 1)
                .map(|units| usize::from(units).saturating_add(2).saturating_mul(4)),
            44 => {
                let (Some(following), Some(bits), Some(identification)) =
                    (u8_at(payload, 0), u16_at(payload, 2), u32_at(payload, 4))
                else {
                    return Content::Ignored(Ignored::CutHeader("IPv6 fragment"));
                };
                network.identification = Some(identification);
                let (offset, more) = (u32::from(bits & 0xfff8), bits & 1 == 1);
                let rest = octets::from(payload, 8);
                if offset == 0 && !more {
                    // An atomic fragment is whole (RFC 6946).
                    next = following;
                    payload = rest;
                    continue;
                }
                return Content::Fragment(Fragment {
                    network,
                    protocol: following,
                    offset,
                    more,
                    data: rest,
                });
            }
            _ => return transport(network, next, payload, missing, depth),
        };
        let Some(length) = length.filter(|&length| length <= payload.len()) else {
            return Content::Ignored(Ignored::CutHeader("IPv6 extension"));
        };
        next = u8_at(payload, 0).unwrap_or(59);
        payload = octets::from(payload, length);
    }
    Content::Ignored(Ignored::TooDeep)
}

/// What a whole IP payload holds, after reassembly.
#[must_use]
pub fn decode_ip_payload(network: Network, protocol: u8, payload: &[u8]) -> Content<'_> {
    // One reassembly stands for one packet within another.
    transport(network, protocol, payload, 0, 1)
}

#[inline]
fn transport(
    network: Network,
    protocol: u8,
    payload: &[u8],
    missing: usize,
    depth: u8,
) -> Content<'_> {
    match protocol {
        17 => datagram(network, payload, missing),
        6 => segment(network, payload, missing),
        1 => icmp::version_four(network, payload),
        58 => icmp::version_six(network, payload),
        4 | 41 | 47 if depth >= MAX_DEPTH => Content::Ignored(Ignored::TooDeep),
        4 | 41 => content(payload, depth.saturating_add(1)),
        47 => gre(payload, depth.saturating_add(1)),
        other => Content::Ignored(Ignored::IpProtocol(other)),
    }
}

#[inline]
fn datagram(network: Network, payload: &[u8], missing: usize) -> Content<'_> {
    let Ok(udp) = UdpSlice::from_slice_lax(payload) else {
        return Content::Ignored(Ignored::CutHeader("UDP"));
    };
    let flow = Flow {
        src: Endpoint::new(network.src, udp.source_port()),
        dst: Endpoint::new(network.dst, udp.destination_port()),
        transport: Transport::Udp,
    };
    let declared = usize::from(udp.length()).saturating_sub(8);
    Content::Datagram(Datagram {
        flow,
        network,
        payload: udp.payload(),
        truncated: missing > 0 && udp.payload().len() < declared,
    })
}

fn segment(network: Network, payload: &[u8], missing: usize) -> Content<'_> {
    let Ok(header) = TcpHeaderSlice::from_slice(payload) else {
        return Content::Ignored(if payload.len() < 20 {
            Ignored::CutHeader("TCP")
        } else {
            Ignored::BadHeader("TCP")
        });
    };
    Content::Segment(Segment {
        flow: Flow {
            src: Endpoint::new(network.src, header.source_port()),
            dst: Endpoint::new(network.dst, header.destination_port()),
            transport: Transport::Tcp,
        },
        network,
        sequence: header.sequence_number(),
        acknowledgment: header.ack().then(|| header.acknowledgment_number()),
        syn: header.syn(),
        fin: header.fin(),
        rst: header.rst(),
        payload: octets::from(payload, header.slice().len()),
        missing: u32::try_from(missing).unwrap_or(u32::MAX),
    })
}

/// Generic routing encapsulation (RFC 2784, 2890), and PPP in its version 1
/// (RFC 2637).
fn gre(data: &[u8], depth: u8) -> Content<'_> {
    let (Some(flags), Some(protocol)) = (u16_at(data, 0), u16_at(data, 2)) else {
        return Content::Ignored(Ignored::CutHeader("GRE"));
    };
    let bit = |mask: u16| if flags & mask == 0 { 0 } else { 4_usize };
    let mut header = 4_usize
        .saturating_add(bit(0x8000))
        .saturating_add(bit(0x2000))
        .saturating_add(bit(0x1000));
    if flags & 0x0007 == 1 {
        header = header.saturating_add(bit(0x0080));
    }
    let inner = octets::from(data, header);
    match protocol {
        0x0800 | 0x86dd => content(inner, depth),
        0x880b => {
            let inner = inner.strip_prefix(&[0xff, 0x03]).unwrap_or(inner);
            layer2::ppp_payload(inner, depth)
        }
        other => Content::Ignored(Ignored::EtherType(other)),
    }
}
