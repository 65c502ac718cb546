//! Traffic that is neither SIP nor media, and must stay so.

use super::{BEGIN_NS, Maker, Plan, wire};
use crate::net::{Endpoint, Flow, Transport};

/// Adds noise until it has its share of all packets.
pub(super) fn make(maker: &mut Maker, plan: &Plan, useful: usize) {
    if plan.noise <= 0.0 {
        return;
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count of packets"
    )]
    let wanted = (useful as f64 * plan.noise / (1.0 - plan.noise)) as usize;
    let before = maker.sent.len();
    while maker.sent.len() - before < wanted {
        let at = BEGIN_NS
            + maker
                .rng
                .u64(0..(plan.window_s + plan.talk_s).max(1) * 1_000_000_000);
        match maker.rng.u8(0..4) {
            0 => dns(maker, at),
            1 => quic(maker, at),
            2 => random(maker, at),
            _ => web(maker, at),
        }
    }
    maker.truth.noise_packets = (maker.sent.len() - before) as u64;
}

fn flow(maker: &mut Maker, port: u16, transport: Transport) -> Flow {
    let src_port = maker.rng.u16(20_000..60_000);
    let host = |rng: &mut fastrand::Rng, net: u8| {
        std::net::Ipv4Addr::new(172, net, rng.u8(..), rng.u8(1..255)).into()
    };
    Flow {
        src: Endpoint::new(host(&mut maker.rng, 16), src_port),
        dst: Endpoint::new(host(&mut maker.rng, 17), port),
        transport,
    }
}

/// A query and its answer.
fn dns(maker: &mut Maker, at: u64) {
    let flow = flow(maker, 53, Transport::Udp);
    let id = maker.rng.u16(..).to_be_bytes();
    let question = b"\x07example\x03com\x00\x00\x01\x00\x01";
    let query = [&id[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0], question].concat();
    maker.datagram(at, flow, &query);
    let answer = [
        &id[..],
        &[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0],
        question,
        &[0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1],
    ]
    .concat();
    maker.datagram(at + 8_000_000, flow.reversed(), &answer);
}

/// A long header, then short ones.
fn quic(maker: &mut Maker, at: u64) {
    let flow = flow(maker, 443, Transport::Udp);
    for number in 0..maker.rng.u64(2..20) {
        let first = if number < 2 { 0xc0 } else { 0x40 };
        let mut payload: Vec<u8> = (0..maker.rng.usize(40..1200)).map(|_| 0).collect();
        maker.rng.fill(&mut payload);
        payload[0] = first | (payload[0] & 0x3f);
        maker.datagram(at + number * 3_000_000, flow, &payload);
    }
}

/// Octets of no meaning, a quarter of which look like version 2 of RTP.
fn random(maker: &mut Maker, at: u64) {
    let port = maker.rng.u16(1024..65_000);
    let flow = flow(maker, port, Transport::Udp);
    for number in 0..maker.rng.u64(1..12) {
        let mut payload: Vec<u8> = (0..maker.rng.usize(1..400)).map(|_| 0).collect();
        maker.rng.fill(&mut payload);
        maker.datagram(at + number * 1_000_000, flow, &payload);
    }
}

/// A request over HTTP and its answer.
fn web(maker: &mut Maker, at: u64) {
    let flow = flow(maker, 80, Transport::Tcp);
    let request = b"GET / HTTP/1.1\r\nHost: example.com\r\nUser-Agent: SIP/2.0 reader\r\n\r\n";
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n".to_vec();
    answer.resize(1200, b'x');
    let sequence = maker.rng.u32(..);
    let length = u32::try_from(request.len()).unwrap_or_default();
    let identification = maker.identification();
    let frame = wire::tcp(flow, identification, sequence, Some(1), false, request);
    maker.push(at, frame);
    let back = flow.reversed();
    let identification = maker.identification();
    let acknowledged = Some(sequence.wrapping_add(length));
    let frame = wire::tcp(back, identification, 1, acknowledged, false, &answer);
    maker.push(at + 20_000_000, frame);
}
