//! Hostile input: mutated captures, and what a capture may not do.

mod common;

use std::io::Write as _;

use common::wire::{packet, udp};
use common::{cases, run_with};
use sip_inspect::engine::Config as EngineConfig;
use sip_inspect::inspector::{Config, Inspector, PointInfo};
use sip_inspect::packet::LinkType;
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
        0,
    )
    .expect("a vector takes all");
    let refusal = text.replace("INVITE sip:a@b SIP/2.0", &format!("SIP/2.0 486 {hostile}"));
    file.packet(
        Timestamp::from_nanos(2),
        &udp(1, 5060, 5060, refusal.as_bytes()),
        0,
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
