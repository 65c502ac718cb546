//! IPv4, IPv6 and what they carry.

use std::net::IpAddr;

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice, TcpHeaderSlice, UdpSlice};

use super::tunnel::{self, Way};
use super::{Content, Datagram, Fragment, Ignored, Network, Segment, Tunnel, icmp};
use crate::net::{Endpoint, Flow, Transport};
use crate::octets::{self, u8_at, u16_at, u32_at};

/// The most IPv6 extension headers that are walked; RFC 8200 knows of seven.
const MAX_EXTENSIONS: usize = 12;

/// What an IP packet holds.
#[inline]
pub(super) fn content<'a>(data: &'a [u8], way: &mut Way) -> Content<'a> {
    match u8_at(data, 0).map(|octet| octet >> 4) {
        Some(4) => version_four(data, way),
        Some(6) => version_six(data, way),
        Some(_) => Content::Ignored(Ignored::BadHeader("IP")),
        None => Content::Ignored(Ignored::CutHeader("IP")),
    }
}

#[inline]
fn version_four<'a>(data: &'a [u8], way: &mut Way) -> Content<'a> {
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
    // Nearly all are datagrams.
    if protocol == 17 {
        return datagram(network, payload, missing, way);
    }
    transport(network, protocol, payload, missing, way)
}

fn version_six<'a>(data: &'a [u8], way: &mut Way) -> Content<'a> {
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
            _ => return transport(network, next, payload, missing, way),
        };
        let Some(length) = length.filter(|&length| length <= payload.len()) else {
            return Content::Ignored(Ignored::CutHeader("IPv6 extension"));
        };
        next = u8_at(payload, 0).unwrap_or(59);
        payload = octets::from(payload, length);
    }
    Content::Ignored(Ignored::TooDeep)
}

/// What a whole IP payload holds, after reassembly, and the tunnel in it.
#[must_use]
pub fn decode_ip_payload(
    network: Network,
    protocol: u8,
    payload: &[u8],
) -> (Content<'_>, Option<Tunnel>) {
    // One reassembly stands for one packet within another.
    let mut way = Way {
        depth: 1,
        tunnel: None,
    };
    let content = transport(network, protocol, payload, 0, &mut way);
    (content, way.tunnel)
}

fn transport<'a>(
    network: Network,
    protocol: u8,
    payload: &'a [u8],
    missing: usize,
    way: &mut Way,
) -> Content<'a> {
    match protocol {
        17 => datagram(network, payload, missing, way),
        6 => segment(network, payload, missing),
        1 => icmp::version_four(network, payload),
        58 => icmp::version_six(network, payload),
        4 | 41 => tunnel::ip_in_ip(&network, payload, way),
        47 => tunnel::gre(&network, payload, way),
        51 => authenticated(network, payload, missing, way),
        115 => tunnel::l2tp_in_ip(&network, payload, way),
        137 => tunnel::mpls_in_ip(&network, payload, way),
        other => Content::Ignored(Ignored::IpProtocol(other)),
    }
}

/// What follows an authentication header of IPv4 (RFC 4302, 2): units of 4,
/// less 2.
fn authenticated<'a>(
    network: Network,
    payload: &'a [u8],
    missing: usize,
    way: &mut Way,
) -> Content<'a> {
    let (Some(next), Some(units)) = (u8_at(payload, 0), u8_at(payload, 1)) else {
        return Content::Ignored(Ignored::CutHeader("AH"));
    };
    if !way.deeper() {
        return Content::Ignored(Ignored::TooDeep);
    }
    let length = usize::from(units).saturating_add(2).saturating_mul(4);
    let inner = octets::from(payload, length);
    transport(network, next, inner, missing, way)
}

#[inline]
fn datagram<'a>(network: Network, payload: &'a [u8], missing: usize, way: &mut Way) -> Content<'a> {
    let Ok(udp) = UdpSlice::from_slice_lax(payload) else {
        return Content::Ignored(Ignored::CutHeader("UDP"));
    };
    let ports = (udp.source_port(), udp.destination_port());
    // Media begin with 0x80 or more, which of all tunnels only MPLS may do.
    let inner = octets::from(payload, 8);
    let may_be_tunnel = u8_at(inner, 0).is_some_and(|first| first < 0x80) || ports.1 == 6635;
    if may_be_tunnel
        && (matches!(ports.1, 1701 | 2152 | 4789 | 6081 | 6635 | 8472)
            || matches!(ports.0, 1701 | 2152))
        && let Some(content) = tunnel::in_udp(&network, ports, inner, way)
    {
        return content;
    }
    let flow = Flow {
        src: Endpoint::new(network.src, ports.0),
        dst: Endpoint::new(network.dst, ports.1),
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
