//! Hostile input: mutated captures, and what a capture may not do.

mod common;

use std::io::Write as _;

use common::wire::{records, udp};
use common::{cases, run_with};
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
        assert!(!records(&mutated).is_empty(), "seed {seed}");
    }
}

/// Changes what says how long, how many or how deep something is.
fn damage_structure(data: &mut Vec<u8>, rng: &mut fastrand::Rng) {
    let odd = [0, 1, 2, 3, 4, 7, 15, 0x7f, 0x80, 0xfe, 0xff];
    let number = odd[rng.usize(0..odd.len())];
    let put = |data: &mut Vec<u8>, at: usize| {
        if let Some(octet) = data.get_mut(at) {
            *octet = number;
        }
    };
    // Ethernet, IPv4 and UDP, as the shipped captures have them.
    let payload = 42;
    match rng.u8(0..12) {
        // IP: header length, total length, fragment offset, protocol.
        0 => put(data, 14),
        1 => put(data, 16 + rng.usize(0..2)),
        2 => put(data, 20 + rng.usize(0..2)),
        3 => put(data, 23),
        // UDP: its length; TCP: the offset of its data.
        4 => put(data, 38 + rng.usize(0..2)),
        5 => put(data, 46),
        // RTP, RTCP, STUN, DNS, TLS: counts and lengths stand in front.
        6 => put(data, payload + rng.usize(0..4)),
        7 => put(data, payload + rng.usize(0..28)),
        // The same again within itself.
        8 if data.len() > 14 => {
            let tags = rng.usize(1..40);
            let tagged = [0x81, 0, 0, 1].repeat(tags);
            data.splice(12..12, tagged);
        }
        9 if data.len() > 34 => {
            let depth = rng.usize(1..40);
            let header = [&data[14..23], &[4], &data[24..34]].concat();
            data.splice(14..14, header.repeat(depth));
        }
        // A line of text many times, or its numbers others.
        10 => {
            let lines: Vec<usize> = data
                .windows(2)
                .enumerate()
                .filter(|(_, pair)| pair == b"\r\n")
                .map(|(at, _)| at + 2)
                .collect();
            if lines.len() > 1 {
                let line = rng.usize(0..lines.len() - 1);
                let repeated = data[lines[line]..lines[line + 1]].repeat(rng.usize(1..200));
                data.splice(lines[line]..lines[line], repeated);
            }
        }
        _ => {
            let digits = [
                "",
                "-1",
                "4294967296",
                "18446744073709551616",
                "00000000000",
                "9e9",
            ];
            let place = data
                .windows(2)
                .position(|pair| pair[0] == b' ' && pair[1].is_ascii_digit());
            if let Some(place) = place {
                let end = data[place + 1..]
                    .iter()
                    .position(|octet| !octet.is_ascii_digit())
                    .map_or(data.len(), |length| place + 1 + length);
                let digits = digits[rng.usize(0..digits.len())].bytes();
                data.splice(place + 1..end, digits);
            }
        }
    }
}

#[test]
fn m012_two_thousand_damaged_structures_make_no_panic_and_no_invalid_json() {
    let whole = packets();
    for seed in 0..2000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let first = rng.usize(0..whole.len() - 40);
        let mut damaged = whole[first..first + 40].to_vec();
        for _ in 0..rng.usize(1..12) {
            let victim = rng.usize(0..damaged.len());
            damage_structure(&mut damaged[victim].1, &mut rng);
        }
        let told = records(&damaged);
        let packets = &told.last().expect("a summary")["packets"];
        assert_eq!(packets, damaged.len(), "seed {seed}");
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
fn m018_m019_m022_clocks_that_jump_make_no_negative_numbers() {
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
    assert!(!records(&whole).is_empty());
    let one_instant: Vec<_> = packets()
        .into_iter()
        .map(|(_, data)| (Timestamp::from_nanos(7), data))
        .collect();
    assert!(!records(&one_instant).is_empty());
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
