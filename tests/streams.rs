//! However a stream was cut into segments, it says the same.

mod common;

use std::collections::BTreeMap;

use common::testdata;
use etherparse::{PacketBuilder, TcpHeader};
use fastrand::Rng;
use sip_inspect::inspector::{Config, Inspector, PointInfo};
use sip_inspect::link::{self, Content};
use sip_inspect::packet::{CapturePoint, LinkType, Packet};
use sip_inspect::pcap::{Decoder, Secrets, Step};
use sip_inspect::report::Record;
use sip_inspect::time::Timestamp;

/// A segment, as far as it matters here.
#[derive(Clone)]
struct Segment {
    at: Timestamp,
    src: ([u8; 4], u16),
    dst: ([u8; 4], u16),
    header: TcpHeader,
    payload: Vec<u8>,
}

/// The segments of a shipped capture, and the secrets in it.
fn segments(case: &str) -> (Vec<Segment>, Vec<Secrets>) {
    let path = testdata().join("cases").join(case).join("capture.pcapng");
    let octets = std::fs::read(path).expect("a capture");
    let mut decoder = Decoder::new();
    let (mut rest, mut segments) = (octets.as_slice(), Vec::new());
    while let Ok(step) = decoder.step(rest) {
        match step {
            Step::Packet {
                consumed,
                timestamp,
                original_length,
                data,
                ..
            } => {
                let packet = packet(timestamp, data, original_length);
                if let Content::Segment(segment) = link::decode(&packet).content {
                    let end = |end: sip_inspect::net::Endpoint| match end.ip {
                        std::net::IpAddr::V4(ip) => (ip.octets(), end.port),
                        std::net::IpAddr::V6(_) => panic!("IPv4 alone"),
                    };
                    let (src, dst) = (end(segment.flow.src), end(segment.flow.dst));
                    let mut header = TcpHeader::new(src.1, dst.1, segment.sequence, 65_000);
                    (header.syn, header.fin, header.rst) = (segment.syn, segment.fin, segment.rst);
                    header.ack = segment.acknowledgment.is_some();
                    header.acknowledgment_number = segment.acknowledgment.unwrap_or_default();
                    segments.push(Segment {
                        at: timestamp,
                        src,
                        dst,
                        header,
                        payload: segment.payload.to_vec(),
                    });
                }
                rest = &rest[consumed..];
            }
            Step::Skipped { consumed } => rest = &rest[consumed..],
            Step::NeedMore(_) => break,
        }
    }
    assert!(segments.len() > 50, "{case}");
    (segments, decoder.secrets().to_vec())
}

fn packet(timestamp: Timestamp, data: &[u8], original_length: u32) -> Packet<'_> {
    Packet {
        number: 1,
        timestamp,
        file: 0,
        capture_point: CapturePoint(0),
        link_type: LinkType(1),
        original_length,
        data,
    }
}

/// What is told of segments: each message once, each connection with its counts.
fn told(segments: &[Segment], secrets: &[Secrets]) -> BTreeMap<String, u64> {
    let mut config = Config::default();
    config.engine.messages = true;
    let mut inspector = Inspector::new(config);
    inspector.add_point(PointInfo {
        file: "made".to_owned(),
        interface: "if0".to_owned(),
        link_type: LinkType(1),
        digits: 9,
        dropped: None,
    });
    for own in secrets {
        inspector.add_secrets(own);
    }
    for own in segments {
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4(own.src.0, own.dst.0, 64)
            .tcp_header(own.header.clone());
        let mut frame = Vec::new();
        builder.write(&mut frame, &own.payload).expect("a frame");
        let length = u32::try_from(frame.len()).expect("short");
        inspector.handle(&packet(own.at, &frame, length));
    }
    inspector.finish();
    let mut told = BTreeMap::new();
    let mut count = |line: String| *told.entry(line).or_default() += 1;
    while let Some(record) = inspector.poll_record() {
        match record {
            Record::Message(own) => count(format!(
                "{} {:?} {:?} {} {} {} {}",
                own.transport,
                own.call_id,
                own.status,
                own.src_port,
                own.length,
                own.retransmission,
                own.duplicate
            )),
            Record::Connection(own) => count(format!(
                "{} {} {} {} {} {} {:?} {:?}",
                own.transport,
                own.src_port,
                own.sip_messages,
                own.keepalives,
                own.encrypted_decoded,
                own.encrypted_not_decoded,
                own.not_decoded_reason,
                own.cert_subject
            )),
            Record::Summary(own) => assert!(own.complete, "{:?}", own.incomplete_reasons),
            _ => {}
        }
    }
    told
}

/// The same octets in other segments: shorter ones, some again with others, some
/// in another order.
fn shuffled(segments: &[Segment], rng: &mut Rng) -> Vec<Segment> {
    let most = *[1, 7, 100, 1400].get(rng.usize(0..4)).expect("one of four");
    let mut made = Vec::new();
    for own in segments {
        if own.payload.is_empty() {
            made.push(own.clone());
            continue;
        }
        let begins = made.len();
        let mut at = 0;
        while at < own.payload.len() {
            let end = (at + rng.usize(1..=most)).min(own.payload.len());
            // Octets that were sent already come again with new ones.
            let from = at.saturating_sub(rng.usize(0..=3) * usize::from(rng.u8(0..4) == 0));
            let mut part = own.clone();
            let offset = u32::try_from(from).expect("short");
            part.header.sequence_number = own.header.sequence_number.wrapping_add(offset);
            part.payload = own.payload[from..end].to_vec();
            part.header.fin &= end == own.payload.len();
            made.push(part);
            at = end;
        }
        if !own.header.fin && !own.header.syn {
            for pair in made[begins..].chunks_exact_mut(2) {
                if rng.bool() {
                    pair.swap(0, 1);
                }
            }
        }
    }
    made
}

fn check(case: &str) {
    let (segments, secrets) = segments(case);
    let at_another_port: Vec<Segment> = segments
        .iter()
        .map(|own| {
            let mut own = own.clone();
            for port in [&mut own.src.1, &mut own.dst.1] {
                *port = if *port == 5061 { 7443 } else { *port };
            }
            own.header.source_port = own.src.1;
            own.header.destination_port = own.dst.1;
            own
        })
        .collect();
    // Found by what it says, it is told with all that it showed.
    let elsewhere = told(&at_another_port, &secrets);
    for line in told(&segments, &secrets).keys() {
        let is_found = line.starts_with("ws") || line.contains(" 2 0 ") || line.contains("Some(\"");
        let line = line.replace(" 5061 ", " 7443 ");
        assert!(elsewhere.contains_key(&line) || !is_found, "{case}: {line}");
    }
    let expected = told(&segments, &secrets);
    assert!(expected.len() > 20, "{expected:#?}");
    for seed in 0..24 {
        let mut rng = Rng::with_seed(seed);
        assert_eq!(
            told(&shuffled(&segments, &mut rng), &secrets),
            expected,
            "{case}, seed {seed}"
        );
    }
}

#[test]
fn tls_in_any_segments_says_the_same() {
    check("sip-over-tls");
}

#[test]
fn websockets_in_any_segments_say_the_same() {
    check("sip-over-websocket");
}
