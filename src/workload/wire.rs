//! Frames, by way of etherparse.

use std::net::IpAddr;

use etherparse::{
    IpHeaders, IpNumber, Ipv4Extensions, Ipv4Header, Ipv6Extensions, Ipv6FlowLabel, Ipv6Header,
    PacketBuilder, TcpHeader,
};

use crate::net::Flow;

const SOURCE: [u8; 6] = [2, 0, 0, 0, 0, 1];
const DESTINATION: [u8; 6] = [2, 0, 0, 0, 0, 2];

fn ip_header(flow: Flow, identification: u16) -> IpHeaders {
    match (flow.src.ip, flow.dst.ip) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let mut header = Ipv4Header::new(0, 64, IpNumber::UDP, src.octets(), dst.octets())
                .unwrap_or_default();
            header.identification = identification;
            IpHeaders::Ipv4(header, Ipv4Extensions::default())
        }
        (src, dst) => {
            let octets = |ip| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            };
            IpHeaders::Ipv6(
                Ipv6Header {
                    traffic_class: 0,
                    flow_label: Ipv6FlowLabel::default(),
                    payload_length: 0,
                    next_header: IpNumber::UDP,
                    hop_limit: 64,
                    source: octets(src),
                    destination: octets(dst),
                },
                Ipv6Extensions::default(),
            )
        }
    }
}

/// A UDP datagram in one frame.
pub(super) fn udp(flow: Flow, identification: u16, payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(SOURCE, DESTINATION)
        .ip(ip_header(flow, identification))
        .udp(flow.src.port, flow.dst.port);
    let mut frame = Vec::with_capacity(builder.size(payload.len()));
    // A vector takes all; a payload too long for UDP gives an empty frame.
    let _ = builder.write(&mut frame, payload);
    frame
}

/// An IPv4 packet of any protocol in one frame.
pub(super) fn ipv4(flow: Flow, protocol: u8, identification: u16, payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(SOURCE, DESTINATION).ip(ip_header(flow, identification));
    let mut frame = Vec::with_capacity(builder.size(payload.len()));
    let _ = builder.write(&mut frame, IpNumber(protocol), payload);
    frame
}

/// A TCP segment in one frame.
pub(super) fn tcp(
    flow: Flow,
    identification: u16,
    sequence: u32,
    acknowledgment: Option<u32>,
    syn: bool,
    payload: &[u8],
) -> Vec<u8> {
    let mut header = TcpHeader::new(flow.src.port, flow.dst.port, sequence, 65_000);
    header.syn = syn;
    header.psh = !payload.is_empty();
    if let Some(acknowledgment) = acknowledgment {
        header.ack = true;
        header.acknowledgment_number = acknowledgment;
    }
    let builder = PacketBuilder::ethernet2(SOURCE, DESTINATION)
        .ip(ip_header(flow, identification))
        .tcp_header(header);
    let mut frame = Vec::with_capacity(builder.size(payload.len()));
    let _ = builder.write(&mut frame, payload);
    frame
}

/// A UDP datagram over IPv4 in several frames, each with at most `part` octets
/// of it.
pub(super) fn fragments(
    flow: Flow,
    identification: u16,
    payload: &[u8],
    part: usize,
) -> Vec<Vec<u8>> {
    let whole = udp(flow, identification, payload);
    let (head, body) = whole.split_at(34.min(whole.len()));
    let part = (part / 8).max(1) * 8;
    let count = body.chunks(part).count();
    body.chunks(part)
        .enumerate()
        .map(|(number, data)| {
            let mut frame = head.to_vec();
            let total = u16::try_from(20 + data.len()).unwrap_or(u16::MAX);
            let more = if number + 1 < count { 0x2000 } else { 0 };
            let offset = u16::try_from(number * part / 8).unwrap_or_default();
            frame[16..18].copy_from_slice(&total.to_be_bytes());
            frame[20..22].copy_from_slice(&(more | offset).to_be_bytes());
            if let Ok((header, _)) = Ipv4Header::from_slice(&frame[14..]) {
                let checksum = header.calc_header_checksum();
                frame[24..26].copy_from_slice(&checksum.to_be_bytes());
            }
            frame.extend(data);
            frame
        })
        .collect()
}
