//! The engine as a sequence of operations: messages, media, checks, look-ups
//! and time, in any order, under bounds that are soon reached.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use sip_inspect::engine::limits::Limits;
use sip_inspect::engine::Config as EngineConfig;
use sip_inspect::inspector::{Config, Inspector, PointInfo};
use sip_inspect::packet::{CapturePoint, LinkType, Packet};
use sip_inspect::report::Record;
use sip_inspect::time::Timestamp;

/// What happens next.
#[derive(Arbitrary, Debug)]
enum Step {
    Request { method: u8, ids: Ids, sdp: Option<u8>, extra: u8 },
    Response { status: u16, method: u8, ids: Ids, sdp: Option<u8>, extra: u8 },
    Rtp { ways: Ways, ssrc: u8, number: u16, payload_type: u8, burst: u8 },
    Rtcp { ways: Ways, octets: [u8; 32] },
    Stun { ways: Ways, class: u8, id: u8 },
    Turn { answers: bool, method: u8, id: u8, channel: u8, peer: u8, data: [u8; 24] },
    Channel { out: bool, channel: u8, data: [u8; 40] },
    Dns { asks: bool, name: u8, kind: u8, answer: u8 },
    Tcp { ways: Ways, sequence: u8, flags: u8, request: u8 },
    Raw { ways: Ways, octets: Vec<u8> },
    Fragment { id: u8, offset: u8, more: bool, ids: Ids },
    Wait { milliseconds: u32 },
    Back { milliseconds: u16 },
    Idle { seconds: u16 },
    Check { ways: Ways, names: u8, role: u8, priority: u32, id: u8, swapped: bool },
    Checked { ways: Ways, code: u8, mapped: u8, id: u8, swapped: bool },
}

/// Few of each, so that they meet.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Ids {
    call: u8,
    branch: u8,
    cseq: u8,
    from: u8,
    to: u8,
    ways: Ways,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Ways {
    src: u8,
    dst: u8,
    point: u8,
}

const METHODS: [&str; 14] = [
    "INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "SUBSCRIBE", "NOTIFY", "REFER",
    "UPDATE", "PRACK", "INFO", "MESSAGE", "X",
];

const EXTRAS: [&str; 12] = [
    "",
    "Refer-To: <sip:u1@h>\r\n",
    "Referred-By: <sip:u0@h>\r\n",
    "Contact: <sip:u1@10.0.0.1>;expires=60\r\n",
    "Contact: *\r\nExpires: 0\r\n",
    "Event: presence\r\nSubscription-State: active;expires=5\r\n",
    "Event: refer\r\nContent-Type: message/sipfrag\r\n",
    "Session-Expires: 90;refresher=uac\r\n",
    "Reason: Q.850;cause=16\r\n",
    "Authorization: Digest username=\"a\", realm=\"b\"\r\n",
    "Via: SIP/2.0/UDP p;branch=z9hG4bKp;received=10.0.0.9;rport=9\r\n",
    "Replaces: c1;to-tag=1;from-tag=2\r\n",
];

fn udp(ways: Ways, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX - 28);
    let payload = &payload[..usize::from(length)];
    let mut frame = vec![0; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend((28 + length).to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    frame.extend([10, 0, 0, ways.src % 4]);
    frame.extend([10, 0, 0, ways.dst % 4]);
    frame.extend(ports.0.to_be_bytes());
    frame.extend(ports.1.to_be_bytes());
    frame.extend((8 + length).to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

fn message(start: &str, method: &str, ids: Ids, sdp: Option<u8>, extra: u8) -> Vec<u8> {
    let to = match ids.to % 4 {
        0 => String::new(),
        tag => format!(";tag=t{tag}"),
    };
    let body = sdp.map_or_else(String::new, |sdp| {
        let direction = ["sendrecv", "sendonly", "inactive", "recvonly"][usize::from(sdp / 4 % 4)];
        format!(
            "v=0\r\no=- 1 {sdp} IN IP4 10.0.0.{0}\r\nc=IN IP4 10.0.0.{0}\r\nm=audio {1} RTP/AVP 0 101\r\n\
             a={direction}\r\na=rtpmap:101 telephone-event/8000\r\na=ice-ufrag:u{0}\r\n\
             a=ice-pwd:p{0}\r\na=candidate:1 1 UDP 4294967295 10.0.0.{0} {1} typ host\r\n",
            ids.ways.src % 4,
            4000 + u16::from(sdp % 4) * 2
        )
    });
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{start}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{}\r\nFrom: <sip:u0@h>;tag=f{}\r\nTo: <sip:u1@h>{to}\r\n\
         Call-ID: c{}\r\nCSeq: {} {method}\r\n{}{kind}Content-Length: {}\r\n\r\n{body}",
        ids.branch % 8,
        ids.from % 3,
        ids.call % 6,
        ids.cseq % 4,
        EXTRAS[usize::from(extra) % EXTRAS.len()],
        body.len()
    )
    .into_bytes()
}

fn name(number: u8) -> Vec<u8> {
    [&b"\x04_sip\x04_udp\x01h\0"[..], b"\x01h\0", b"\x03sbc\x01h\0", b"\x01x\0"][usize::from(number) % 4].to_vec()
}

fn dns(asks: bool, asked: u8, kind: u8, answer: u8) -> Vec<u8> {
    let kinds = [1_u16, 28, 33, 35, 5];
    let kind = kinds[usize::from(kind) % 5];
    let mut octets = vec![0, asked, if asks { 0 } else { 0x80 }, answer % 4, 0, 1, 0, u8::from(!asks), 0, 0, 0, 0];
    octets.extend(name(asked));
    octets.extend(kind.to_be_bytes());
    octets.extend([0, 1]);
    if !asks {
        let data = match kind {
            33 => [&[0, 1, 0, 1, 0x13, 0xc4], name(answer).as_slice()].concat(),
            1 => vec![10, 0, 0, answer % 4],
            _ => name(answer),
        };
        octets.extend([0xc0, 12]);
        octets.extend(kind.to_be_bytes());
        octets.extend([0, 1, 0, 0, 0, 60, 0, u8::try_from(data.len()).expect("short")]);
        octets.extend(data);
    }
    octets
}

fuzz_target!(|octets: &[u8]| {
    let mut input = Unstructured::new(octets);
    let limits = Limits {
        calls: 8,
        transactions_per_call: 8,
        copies_per_call: 8,
        flows: 8,
        streams: 6,
        registrations: 3,
        connections: 3,
        stun_exchanges: 4,
        dns_lookups: 4,
        tcp_streams: 4,
        places: 3,
        transfers: 2,
        ..Limits::within(256 * 1024)
    };
    let mut inspector = Inspector::new(Config {
        engine: EngineConfig { limits, messages: true, ..EngineConfig::default() },
        transactions: true,
        ..Config::default()
    });
    for number in 0..3 {
        inspector.add_point(PointInfo {
            file: "f".to_owned(),
            interface: format!("i{number}"),
            link_type: LinkType(1),
            digits: 9,
            dropped: None,
        });
    }
    let mut now = 1_700_000_000_000_000_000_u64;
    let (mut number, mut messages, mut packets) = (0_u32, 0_u64, 0_u64);
    let mut summary = None;
    while !input.is_empty()
        && let Ok(step) = Step::arbitrary(&mut input)
    {
        let mut frames: Vec<(u8, Vec<u8>)> = Vec::new();
        let sip = (5060, 5060);
        match step {
            Step::Request { method, ids, sdp, extra } => {
                let method = METHODS[usize::from(method) % METHODS.len()];
                let start = format!("{method} sip:u1@h SIP/2.0");
                frames.push((ids.ways.point, udp(ids.ways, sip, &message(&start, method, ids, sdp, extra))));
            }
            Step::Response { status, method, ids, sdp, extra } => {
                let method = METHODS[usize::from(method) % METHODS.len()];
                let start = format!("SIP/2.0 {} P", 100 + status % 600);
                frames.push((ids.ways.point, udp(ids.ways, sip, &message(&start, method, ids, sdp, extra))));
            }
            Step::Rtp { ways, ssrc, number, payload_type, burst } => {
                for step in 0..u16::from(burst % 16) {
                    let mut payload = vec![0x80, [0, 101, 13, 96][usize::from(payload_type) % 4]];
                    payload.extend(number.wrapping_add(step).to_be_bytes());
                    payload.extend((u32::from(number.wrapping_add(step)) * 160).to_be_bytes());
                    payload.extend([0, 0, 0, ssrc % 4]);
                    payload.extend([5, 0x8a, 0, 160]);
                    frames.push((ways.point, udp(ways, (4000, 4000 + u16::from(ways.dst) % 4 * 2), &payload)));
                }
            }
            Step::Rtcp { ways, octets } => {
                let mut payload = octets.to_vec();
                payload[..4].copy_from_slice(&[0x81, 200 + octets[1] % 8, 0, 7]);
                frames.push((ways.point, udp(ways, (4001, 4001), &payload)));
            }
            Step::Stun { ways, class, id } => {
                let mut payload = vec![class % 2, [0x01, 0x11, 0x01, 0x11][usize::from(class) % 4], 0, 12];
                payload.extend(0x2112_a442_u32.to_be_bytes());
                payload.extend([id % 4; 12]);
                payload.extend([0, 6, 0, 5, b'u', b'0' + id % 4, b':', b'u', b'1', 0, 0, 0]);
                frames.push((ways.point, udp(ways, (4000, 4000), &payload)));
            }
            Step::Turn { answers, method, id, channel, peer, data } => {
                let way = Ways { src: 1 + u8::from(answers), dst: 2 - u8::from(answers), point: 0 };
                let method = [3, 4, 6, 7, 8, 9][usize::from(method) % 6];
                let class = u8::from(answers && !matches!(method, 6 | 7));
                let kind = if matches!(method, 6 | 7) { 0x10 } else { 0 };
                let mut attributes = vec![0, 0x0c, 0, 4, 0x40, channel % 4, 0, 0, 0, 0x0d, 0, 4, 0, 0, 0, id];
                for own in [0x12, 0x16] {
                    let port = 4000 + u16::from(peer % 4) * 2;
                    attributes.extend([0, own, 0, 8, 0, 1]);
                    attributes.extend((port ^ 0x2112).to_be_bytes());
                    attributes.extend((u32::from_be_bytes([10, 0, 0, peer % 4]) ^ 0x2112_a442).to_be_bytes());
                }
                attributes.extend([0, 0x13, 0, 24]);
                attributes.extend(data);
                let mut payload = vec![class, method | kind, 0, u8::try_from(attributes.len()).expect("short")];
                payload.extend(0x2112_a442_u32.to_be_bytes());
                payload.extend([id % 4; 12]);
                payload.extend(attributes);
                frames.push((0, udp(way, (4000, 4000), &payload)));
            }
            Step::Channel { out, channel, data } => {
                let way = Ways { src: 2 - u8::from(out), dst: 1 + u8::from(out), point: 0 };
                let payload = [&[0x40, channel % 4, 0, 40][..], &data].concat();
                frames.push((0, udp(way, (4000, 4000), &payload)));
            }
            Step::Dns { asks, name, kind, answer } => {
                let ways = if asks { Ways { src: 1, dst: 3, point: 0 } } else { Ways { src: 3, dst: 1, point: 0 } };
                let ports = if asks { (900, 53) } else { (53, 900) };
                frames.push((0, udp(ways, ports, &dns(asks, name, kind, answer))));
            }
            Step::Tcp { ways, sequence, flags, request } => {
                let ids = Ids { call: request, branch: request, cseq: 1, from: 0, to: 0, ways };
                let start = "OPTIONS sip:u1@h SIP/2.0";
                let text = message(start, "OPTIONS", ids, None, 0);
                let from = usize::from(sequence) % text.len();
                let part = &text[from..(from + 64).min(text.len())];
                let mut frame = udp(ways, sip, &[0; 12]);
                frame[23] = 6;
                let total = u16::try_from(40 + part.len()).expect("short");
                frame[16..18].copy_from_slice(&total.to_be_bytes());
                frame[38..42].copy_from_slice(&u32::try_from(from).expect("short").to_be_bytes());
                frame[42..54].copy_from_slice(&[0, 0, 0, sequence, 0x50, flags & 0x17, 0xff, 0xff, 0, 0, 0, 0]);
                frame.extend(part);
                frames.push((ways.point, frame));
            }
            Step::Check { ways, names, role, priority, id, swapped } => {
                let mut attributes = vec![0, 6, 0, 5, b'u', b'0' + names % 4, b':', b'u', b'0' + names / 4 % 4, 0, 0, 0];
                attributes.extend([0, 0x24, 0, 4]);
                attributes.extend(priority.to_be_bytes());
                attributes.extend([0x80, 0x29 + role % 2, 0, 8, 0, 0, 0, 0, 0, 0, 0, role]);
                if role & 4 != 0 {
                    attributes.extend([0, 0x25, 0, 0]);
                }
                attributes.extend([0, 8, 0, 20]);
                attributes.extend([id; 20]);
                let mut payload = vec![0, 1, 0, u8::try_from(attributes.len()).expect("short")];
                payload.extend(0x2112_a442_u32.to_be_bytes());
                payload.extend([id % 8; 12]);
                payload.extend(attributes);
                let ports = if swapped { (4000, 4002) } else { (4000, 4000) };
                frames.push((ways.point, udp(ways, ports, &payload)));
            }
            Step::Checked { ways, code, mapped, id, swapped } => {
                let refused = code & 1 != 0;
                let mut attributes = vec![0, 9, 0, 4, 0, 0, 4, [1, 0, 87, 3][usize::from(code / 2) % 4]];
                attributes.extend([0, 0x20, 0, 8, 0, 1, 0x2e, 0xb2, 0x2b, 0x12, 0xa4, 0x40 | mapped % 4]);
                let kind = if refused { [1, 0x11] } else { [1, 1] };
                let mut payload = vec![kind[0], kind[1], 0, u8::try_from(attributes.len()).expect("short")];
                payload.extend(0x2112_a442_u32.to_be_bytes());
                payload.extend([id % 8; 12]);
                payload.extend(attributes);
                let ports = if swapped { (4002, 4000) } else { (4000, 4000) };
                frames.push((ways.point, udp(ways, ports, &payload)));
            }
            Step::Raw { ways, octets } => frames.push((ways.point, udp(ways, sip, &octets))),
            Step::Fragment { id, offset, more, ids } => {
                let text = message("MESSAGE sip:u1@h SIP/2.0", "MESSAGE", ids, None, 0);
                let mut frame = udp(ids.ways, sip, &text);
                frame[18] = id % 3;
                let field = u16::from(more) << 13 | u16::from(offset % 8);
                frame[20..22].copy_from_slice(&field.to_be_bytes());
                frames.push((ids.ways.point, frame));
            }
            Step::Wait { milliseconds } => now += u64::from(milliseconds % 100_000) * 1_000_000,
            Step::Back { milliseconds } => now -= u64::from(milliseconds) * 1_000_000,
            Step::Idle { seconds } => {
                now += u64::from(seconds) * 1_000_000_000;
                inspector.handle_timeout(Timestamp::from_nanos(now));
            }
        }
        for (point, data) in frames {
            number += 1;
            packets += 1;
            now += 20_000_000;
            inspector.handle(&Packet {
                number,
                timestamp: Timestamp::from_nanos(now),
                file: 0,
                capture_point: CapturePoint(u16::from(point % 3)),
                link_type: LinkType(1),
                original_length: u32::try_from(data.len()).expect("short"),
                data: &data,
            });
            while let Some(record) = inspector.poll_record() {
                messages += u64::from(matches!(record, Record::Message(_)));
            }
        }
    }
    inspector.finish();
    while let Some(record) = inspector.poll_record() {
        serde_json::to_string(&record).expect("JSON");
        messages += u64::from(matches!(record, Record::Message(_)));
        if let Record::Summary(own) = record {
            assert!(summary.is_none(), "two summaries");
            summary = Some(own);
        }
    }
    // Everything that came is told of.
    let summary = summary.expect("a summary");
    assert_eq!(summary.packets, packets);
    assert_eq!(summary.sip_messages, messages);
});
