//! Hostile input: mutated captures, floods, and what a capture may not do.

mod common;

use std::io::Write as _;

use common::{cases, run_with};
use sip_inspect::engine::limits::Limits;
use sip_inspect::engine::{Config as EngineConfig, Engine, Event};
use sip_inspect::inspector::{Config, Inspector, PointInfo};
use sip_inspect::link;
use sip_inspect::packet::{CapturePoint, LinkType, Packet};
use sip_inspect::time::Timestamp;

/// Packets of the shipped captures that are plain pcap.
fn packets() -> Vec<(Timestamp, Vec<u8>)> {
    let mut packets = Vec::new();
    for case in cases() {
        let path = case.join("capture.pcap");
        let Ok(octets) = std::fs::read(&path) else {
            continue;
        };
        let mut decoder = sip_inspect::pcap::Decoder::new();
        let mut rest = octets.as_slice();
        while let Ok(step) = decoder.step(rest) {
            match step {
                sip_inspect::pcap::Step::NeedMore(_) => break,
                sip_inspect::pcap::Step::Skipped { consumed } => rest = &rest[consumed..],
                sip_inspect::pcap::Step::Packet {
                    consumed,
                    timestamp,
                    data,
                    ..
                } => {
                    packets.push((timestamp, data.to_vec()));
                    rest = &rest[consumed..];
                }
            }
        }
    }
    assert!(packets.len() > 500);
    packets
}

/// Runs packets through an inspector; the records as JSON must be JSON.
fn inspect(packets: &[(Timestamp, Vec<u8>)]) -> usize {
    let mut inspector = Inspector::new(Config {
        engine: EngineConfig {
            messages: true,
            ..EngineConfig::default()
        },
        transactions: true,
        ..Config::default()
    });
    inspector.add_point(PointInfo {
        file: "f".to_owned(),
        interface: "i".to_owned(),
        link_type: LinkType(1),
        digits: 9,
        dropped: None,
    });
    let mut records = 0;
    let mut take = |inspector: &mut Inspector| {
        while let Some(record) = inspector.poll_record() {
            let mut line = Vec::new();
            sip_inspect::output::escape::write_json(&mut line, &record)
                .expect("a vector takes all");
            let text = String::from_utf8(line).expect("UTF-8");
            let _: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert!(
                !text.contains("NaN") && !text.chars().any(char::is_control),
                "{text}"
            );
            records += 1;
        }
    };
    for ((at, data), number) in packets.iter().zip(1..) {
        inspector.handle(&packet(number, *at, data));
        take(&mut inspector);
    }
    inspector.finish();
    take(&mut inspector);
    records
}

fn packet(number: u32, at: Timestamp, data: &[u8]) -> Packet<'_> {
    Packet {
        number,
        timestamp: at,
        capture_point: CapturePoint(0),
        link_type: LinkType(1),
        original_length: u32::try_from(data.len()).expect("short"),
        data,
    }
}

#[test]
fn m012_mutated_packets_make_no_panic_and_no_invalid_json() {
    let whole = packets();
    for seed in 0..40 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut mutated = whole.clone();
        for (at, data) in &mut mutated {
            match rng.u8(0..20) {
                0 => data.truncate(rng.usize(0..=data.len())),
                1 | 2 => {
                    for _ in 0..rng.usize(1..20) {
                        let place = rng.usize(0..data.len().max(1));
                        if let Some(octet) = data.get_mut(place) {
                            *octet = rng.u8(..);
                        }
                    }
                }
                3 => {
                    // A number somewhere becomes another.
                    for octet in data.iter_mut().filter(|octet| octet.is_ascii_digit()) {
                        if rng.u8(0..8) == 0 {
                            *octet = b"0123456789-"[rng.usize(0..11)];
                        }
                    }
                }
                4 => *at = Timestamp::from_nanos(rng.u64(..)),
                5 => {
                    let from = rng.usize(0..data.len());
                    let part = data[from..].to_vec();
                    data.extend(part);
                }
                _ => {}
            }
        }
        if seed % 4 == 0 {
            rng.shuffle(&mut mutated);
        }
        assert!(inspect(&mutated) > 0, "seed {seed}");
    }
}

#[test]
fn m012_mutated_files_end_in_time_with_a_status_of_the_contract() {
    for case in cases() {
        let path = case.join("capture.pcapng");
        let path = if path.exists() {
            path
        } else {
            case.join("capture.pcap")
        };
        let Ok(whole) = std::fs::read(&path) else {
            continue;
        };
        for seed in 0..6 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut mutated = whole.clone();
            for _ in 0..mutated.len() / 500 {
                let place = rng.usize(24..mutated.len());
                mutated[place] = rng.u8(..);
            }
            let output = run_with(&["-", "--json", "-q"], &mutated);
            assert!(
                matches!(output.status, Some(0 | 3)),
                "{} {seed}: {}",
                path.display(),
                output.stderr
            );
            if output.status == Some(0) {
                let _: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
            }
        }
    }
}

/// A frame of Ethernet, IPv4 and UDP.
fn udp(src: u32, src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(28 + payload.len()).expect("short");
    let length = u16::try_from(8 + payload.len()).expect("short");
    let mut frame = vec![0; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend(total.to_be_bytes());
    frame.extend([0, 1, 0, 0, 64, 17, 0, 0]);
    frame.extend(src.to_be_bytes());
    frame.extend([192, 0, 2, 1]);
    frame.extend(src_port.to_be_bytes());
    frame.extend(dst_port.to_be_bytes());
    frame.extend(length.to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

struct Flooded {
    peak: usize,
    engine: Engine,
    calls: Vec<(String, sip_inspect::engine::Closed)>,
}

/// Small bounds, so that ten times as much is soon there.
fn limits() -> Limits {
    Limits {
        calls: 500,
        flows: 500,
        streams: 200,
        tcp_streams: 200,
        digits: 4,
        addresses_per_call: 8,
        fragment_packets: 50,
        fragment_bytes: 64 * 1024,
        ..Limits::within(2 * 1024 * 1024)
    }
}

fn flood(frames: impl Iterator<Item = (u64, Vec<u8>)>) -> Flooded {
    let mut engine = Engine::new(EngineConfig {
        limits: limits(),
        ..EngineConfig::default()
    });
    let (mut peak, mut calls) = (0, Vec::new());
    let mut take = |engine: &mut Engine| {
        while let Some(event) = engine.poll_event() {
            if let Event::Call(closed) = event {
                calls.push((closed.call.call_id.clone(), closed.closed));
            }
        }
    };
    for ((ms, data), number) in frames.zip(1..) {
        let at = Timestamp::from_nanos(1_700_000_000_000_000_000 + ms * 1_000_000);
        engine.handle(&link::decode(&packet(number, at, &data)));
        take(&mut engine);
        peak = peak.max(engine.bytes_held());
    }
    engine.finish();
    take(&mut engine);
    Flooded {
        peak,
        engine,
        calls,
    }
}

fn options(number: u32) -> Vec<u8> {
    let text = format!(
        "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{number}\r\nFrom: <sip:x@y>;tag={number}\r\n\
         To: <sip:a@b>\r\nCall-ID: flood-{number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    udp(0x0a00_0000 | number, 5060, 5060, text.as_bytes())
}

/// INVITE, 200 and ACK of one call that then stays up.
fn answered() -> Vec<(u64, Vec<u8>)> {
    let message = |line: &str, cseq: &str, to: &str, branch: &str| {
        format!(
            "{line}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{branch}\r\nFrom: <sip:x@y>;tag=f\r\nTo: <sip:a@b>{to}\r\n\
             Call-ID: answered\r\nCSeq: {cseq}\r\nContent-Length: 0\r\n\r\n"
        )
    };
    vec![
        (
            0,
            udp(
                1,
                5060,
                5060,
                message("INVITE sip:a@b SIP/2.0", "1 INVITE", "", "i").as_bytes(),
            ),
        ),
        (
            1,
            udp(
                1,
                5060,
                5060,
                message("SIP/2.0 200 OK", "1 INVITE", ";tag=t", "i").as_bytes(),
            ),
        ),
        (
            2,
            udp(
                1,
                5060,
                5060,
                message("ACK sip:a@b SIP/2.0", "1 ACK", ";tag=t", "a").as_bytes(),
            ),
        ),
    ]
}

#[test]
fn m046_ten_times_the_calls_stay_within_the_bounds() {
    let flooded = flood(
        answered()
            .into_iter()
            .chain((0..5000).map(|number| (10 + u64::from(number), options(number)))),
    );
    let budget = limits().bytes;
    assert!(flooded.peak <= budget + budget / 4, "{}", flooded.peak);
    // Everything that came is told of, and the call that was up before the
    // flood is told of whole, at the end.
    assert_eq!(flooded.calls.len(), 5001);
    let last = flooded
        .calls
        .iter()
        .find(|(call_id, _)| call_id == "answered")
        .expect("the call");
    assert_eq!(last.1, sip_inspect::engine::Closed::EndOfCapture);
    assert!(
        flooded
            .engine
            .counters()
            .limits
            .contains_key(&sip_inspect::engine::limits::Limit::Calls)
    );
}

#[test]
fn m045_one_call_id_with_endless_messages_is_bounded() {
    let messages = (0..20_000_u32).map(|number| {
        let text = format!(
            "INFO sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{number}\r\nFrom: <sip:x@y>;tag={number}\r\n\
             To: <sip:a@b>;tag=z{number}\r\nCall-ID: one\r\nCSeq: {number} INFO\r\nContent-Length: 0\r\n\r\n"
        );
        (u64::from(number), udp(1, 5060, 5060, text.as_bytes()))
    });
    let flooded = flood(messages);
    assert!(flooded.peak <= limits().bytes, "{}", flooded.peak);
    assert_eq!(flooded.calls.len(), 1);
    let limit = sip_inspect::engine::limits::Limit::TransactionsPerCall;
    assert!(flooded.engine.counters().limits.contains_key(&limit));
}

#[test]
fn m053_a_spray_of_sources_is_bounded() {
    let mut number = 0_u32;
    let packets = (0..20_000_u32).map(|at| {
        // Pairs in sequence, so that each source becomes a candidate.
        number = at / 2;
        let mut payload = vec![0x80, 0];
        payload.extend(u16::try_from(at % 2 + 1).expect("short").to_be_bytes());
        payload.extend((at % 2 * 160).to_be_bytes());
        payload.extend((number | 0x1000_0000).to_be_bytes());
        payload.extend([0x55; 160]);
        let port = u16::try_from(10_000 + number % 3000).expect("short");
        (u64::from(at), udp(0x0a00_0001, port, 20_000, &payload))
    });
    let flooded = flood(packets);
    assert!(flooded.peak <= limits().bytes, "{}", flooded.peak);
    assert!(flooded.calls.is_empty());
    let limits = &flooded.engine.counters().limits;
    assert!(
        limits.contains_key(&sip_inspect::engine::limits::Limit::Streams)
            || limits.contains_key(&sip_inspect::engine::limits::Limit::Flows)
    );
}

/// Sound, then so many digits by telephone-event.
fn dialled(digits: u16) -> Vec<(u64, Vec<u8>)> {
    (0..12 + digits)
        .map(|number| {
            let mut payload = vec![0x80, if number < 12 { 0 } else { 101 }];
            payload.extend(number.to_be_bytes());
            payload.extend((u32::from(number) * 160).to_be_bytes());
            payload.extend(0x1234_5678_u32.to_be_bytes());
            match number {
                0..12 => payload.extend([0x55; 160]),
                _ => payload.extend([5, 0x8a, 0, 160]),
            }
            (u64::from(number) * 20, udp(1, 4000, 4002, &payload))
        })
        .collect()
}

/// One INVITE for each Call-ID, all with these audio ports.
fn offered(calls: u32, ports: u16) -> Vec<(u64, Vec<u8>)> {
    (0..calls)
        .map(|number| {
            let mut body =
                "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n".to_owned();
            for port in 0..ports {
                body += &format!("m=audio {} RTP/AVP 0\r\na=rtcp-mux\r\n", 4000 + port * 2);
            }
            let text = format!(
                "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{number}\r\n\
                 From: <sip:x@y>;tag={number}\r\nTo: <sip:a@b>\r\nCall-ID: offer-{number}\r\n\
                 CSeq: 1 INVITE\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            (u64::from(number), udp(1, 5060, 5060, text.as_bytes()))
        })
        .collect()
}

/// So many sources of RTP toward one address that nothing describes.
fn undescribed(sources: u16) -> Vec<(u64, Vec<u8>)> {
    (0..sources * 2)
        .map(|at| {
            let mut payload = vec![0x80, 0];
            payload.extend((at % 2 + 1).to_be_bytes());
            payload.extend((u32::from(at % 2) * 160).to_be_bytes());
            payload.extend((u32::from(at / 2) | 0x1000_0000).to_be_bytes());
            payload.extend([0x55; 160]);
            (u64::from(at), udp(1, 10_000 + at / 2 * 2, 20_000, &payload))
        })
        .collect()
}

#[test]
fn bounds_inside_objects_are_counted_when_they_are_passed() {
    use sip_inspect::engine::limits::Limit;
    let check = |frames: Vec<(u64, Vec<u8>)>, limit, passed| {
        let flooded = flood(frames.into_iter());
        let limits = &flooded.engine.counters().limits;
        assert_eq!(limits.contains_key(&limit), passed, "{limit:?}: {limits:?}");
    };
    check(dialled(4), Limit::Digits, false);
    check(dialled(5), Limit::Digits, true);
    check(offered(1, 8), Limit::AddressesPerCall, false);
    check(offered(1, 9), Limit::AddressesPerCall, true);
    check(offered(64, 1), Limit::Claims, false);
    check(offered(65, 1), Limit::Claims, true);
    check(undescribed(64), Limit::Unclaimed, false);
    check(undescribed(65), Limit::Unclaimed, true);
}

/// A frame of Ethernet, IPv4 and TCP.
fn tcp(src: u32, src_port: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = udp(src, src_port, 5060, &[0; 12]);
    frame[23] = 6;
    let total = u16::try_from(40 + payload.len()).expect("short");
    frame[16..18].copy_from_slice(&total.to_be_bytes());
    frame[38..42].copy_from_slice(&sequence.to_be_bytes());
    frame[42..54].copy_from_slice(&[0, 0, 0, 0, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
    frame.extend(payload);
    frame
}

#[test]
fn m028_m032_unfinished_messages_over_tcp_are_bounded() {
    let head = b"OPTIONS sip:a SIP/2.0\r\nCall-ID: x\r\nContent-Length: 200000\r\n\r\n";
    let mut next = 0_u64;
    let segments = (0..20_000_u32).map(|number| {
        let (port, part) = (
            u16::try_from(1000 + number % 500).expect("short"),
            number / 500,
        );
        next += 1;
        let head_length = u32::try_from(head.len()).expect("short");
        let frame = if part == 0 {
            tcp(1, port, 1, head)
        } else {
            tcp(1, port, 1 + head_length + (part - 1) * 1400, &[b'x'; 1400])
        };
        (next, frame)
    });
    let flooded = flood(segments);
    assert!(flooded.peak <= limits().bytes, "{}", flooded.peak);
    let counted = &flooded.engine.counters().limits;
    assert!(counted.contains_key(&sip_inspect::engine::limits::Limit::TcpStreams));
    // Few directions with much each meet the other bound.
    let mut next = 0_u64;
    let segments = (0..4000_u32).map(|number| {
        let (port, part) = (
            u16::try_from(1000 + number % 20).expect("short"),
            number / 20,
        );
        next += 1;
        let head_length = u32::try_from(head.len()).expect("short");
        let frame = if part == 0 {
            tcp(1, port, 1, head)
        } else {
            tcp(1, port, 1 + head_length + (part - 1) * 900, &[b'x'; 900])
        };
        (next, frame)
    });
    let flooded = flood(segments);
    assert!(flooded.peak <= limits().bytes, "{}", flooded.peak);
    let counted = &flooded.engine.counters().limits;
    assert!(counted.contains_key(&sip_inspect::engine::limits::Limit::TcpBytes));
}

#[test]
fn m026_a_flood_of_fragments_is_bounded() {
    let fragments = (0..5000_u32).map(|number| {
        let mut frame = udp(0x0a00_0000 | number, 5060, 5060, &[b'x'; 400]);
        frame[20] = 0x20;
        (u64::from(number), frame)
    });
    let flooded = flood(fragments);
    assert!(flooded.peak <= limits().bytes, "{}", flooded.peak);
    let limit = sip_inspect::engine::limits::Limit::Fragments;
    assert!(flooded.engine.counters().limits[&limit].0 >= 4900);
}

#[test]
fn m018_m019_clocks_that_jump_make_no_negative_numbers() {
    let mut whole = packets();
    let count = whole.len();
    for (number, (at, _)) in whole.iter_mut().enumerate() {
        *at = match number * 8 / count {
            0 | 4 => *at,
            1 => at.offset(-3600 * 1_000_000_000),
            2 => Timestamp::from_nanos(0),
            3 => Timestamp::from_nanos(u64::MAX),
            5 => at.offset(10 * 365 * 86_400 * 1_000_000_000),
            _ => Timestamp::from_nanos(4_294_967_295_000_000_000),
        };
    }
    assert!(inspect(&whole) > 0);
    let one_instant: Vec<_> = packets()
        .into_iter()
        .map(|(_, data)| (Timestamp::from_nanos(7), data))
        .collect();
    assert!(inspect(&one_instant) > 0);
}

#[test]
fn m040_strangers_text_reaches_no_terminal() {
    let hostile = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}\u{9b}1m";
    let text = format!(
        "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: \"{hostile}\" <sip:{hostile}@y>;tag=1\r\n\
         To: <sip:=cmd|x@b>\r\nCall-ID: {hostile}\r\nCSeq: 1 INVITE\r\nUser-Agent: {hostile}\r\nContent-Length: 0\r\n\r\n\
         "
    );
    let mut file =
        sip_inspect::pcap::PcapWriter::new(Vec::new(), LinkType(1)).expect("a vector takes all");
    file.packet(
        Timestamp::from_nanos(1),
        &udp(1, 5060, 5060, text.as_bytes()),
    )
    .expect("a vector takes all");
    let refusal = text.replace("INVITE sip:a@b SIP/2.0", &format!("SIP/2.0 486 {hostile}"));
    file.packet(
        Timestamp::from_nanos(2),
        &udp(1, 5060, 5060, refusal.as_bytes()),
    )
    .expect("a vector takes all");
    let file = file.finish().expect("a vector takes all");
    for format in ["table", "json", "ndjson", "csv"] {
        for color in ["never", "always"] {
            let output = run_with(
                &[
                    "-",
                    "--format",
                    format,
                    "--color",
                    color,
                    "--messages",
                    "--section",
                    "calls",
                ],
                &file,
            );
            assert_eq!(output.status, Some(0), "{}", output.stderr);
            // Only our own colours may pass.
            let mut rest = output.stdout.as_str();
            while let Some(at) = rest.find('\u{1b}') {
                rest = &rest[at + 1..];
                let end = rest.find('m').expect("the end of a colour");
                assert!(color == "always" && format == "table", "{format}: {rest}");
                assert!(
                    rest[1..end]
                        .bytes()
                        .all(|octet| octet.is_ascii_digit() || octet == b';'),
                    "{format}: {rest}"
                );
            }
            for character in ['\u{7}', '\u{9b}', '\u{202e}'] {
                assert!(!output.stdout.contains(character), "{format}");
            }
        }
    }
    // File names are strangers' text too.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a\u{1b}[31m.pcap");
    std::fs::File::create(&path)
        .and_then(|mut out| out.write_all(b"no capture"))
        .expect("written");
    let output = common::run(&[path.to_str().expect("UTF-8")]);
    assert_eq!(output.status, Some(3));
    assert!(
        !output.stderr.contains("\u{1b}[31m.pcap"),
        "{}",
        output.stderr
    );
}
