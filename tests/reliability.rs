//! The rows of the fault matrix that concern what a capture holds, through the
//! whole way from packets to records. Each test bears the numbers of its rows.

mod common;

use common::scene;
use common::wire::{records, udp};
use common::{program, run_with, testdata};
use serde_json::Value;
use sip_inspect::engine::limits::Limits;
use sip_inspect::packet::LinkType;
use sip_inspect::pcap::PcapWriter;
use sip_inspect::report::Record;
use sip_inspect::time::Timestamp;

fn at(ms: u64) -> Timestamp {
    Timestamp::from_nanos(1_700_000_000_000_000_000 + ms * 1_000_000)
}

/// A classic capture of these packets; `original` is their length on the wire,
/// where it is not their own.
fn file(packets: &[(Timestamp, Vec<u8>)], original: u32) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), LinkType(1)).expect("a vector takes all");
    for (at, data) in packets {
        writer
            .packet(*at, data, original)
            .expect("a vector takes all");
    }
    writer.finish().expect("a vector takes all")
}

/// Packets of a shipped capture.
fn packets_of(case: &str) -> Vec<(Timestamp, Vec<u8>)> {
    let path = testdata().join("cases").join(case).join("capture.pcap");
    let octets = std::fs::read(path).expect("the capture");
    let mut decoder = sip_inspect::pcap::Decoder::new();
    let mut rest = octets.as_slice();
    let mut packets = Vec::new();
    while let Ok(step) = decoder.step(rest) {
        let consumed = match step {
            sip_inspect::pcap::Step::NeedMore(_) => break,
            sip_inspect::pcap::Step::Skipped { consumed } => consumed,
            sip_inspect::pcap::Step::Packet {
                consumed,
                timestamp,
                data,
                ..
            } => {
                packets.push((timestamp, data.to_vec()));
                consumed
            }
        };
        rest = &rest[consumed..];
    }
    packets
}

fn summary(records: &[Value]) -> &Value {
    records.last().expect("a summary")
}

fn of_type<'r>(records: &'r [Value], kind: &'r str) -> impl Iterator<Item = &'r Value> {
    records.iter().filter(move |record| record["type"] == kind)
}

/// A request with these further header fields and this body.
fn request(fields: &str, body: &str) -> Vec<u8> {
    let text = format!(
        "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n\
         To: <sip:b@x>\r\nCall-ID: row\r\nCSeq: 1 INVITE\r\n{fields}\r\n{body}"
    );
    text.into_bytes()
}

/// What is made of one SIP message over UDP, in as many fragments as it takes.
fn told_of(message: &[u8]) -> Vec<Value> {
    let whole = udp(1, 5060, 5060, &[]);
    let (ethernet, ip) = (&whole[..14], &whole[14..34]);
    let length = u16::try_from(message.len() + 8).unwrap_or(u16::MAX);
    let mut datagram = whole[34..42].to_vec();
    datagram[4..6].copy_from_slice(&length.to_be_bytes());
    datagram.extend(&message[..usize::from(length) - 8]);
    let parts = datagram.len().div_ceil(1400);
    let frames: Vec<(Timestamp, Vec<u8>)> = datagram
        .chunks(1400)
        .zip(0_u16..)
        .map(|(part, number)| {
            let mut header = ip.to_vec();
            let total = u16::try_from(20 + part.len()).expect("short");
            header[2..4].copy_from_slice(&total.to_be_bytes());
            let more = u16::from(usize::from(number) + 1 < parts) << 13;
            header[6..8].copy_from_slice(&((number * 175) | more).to_be_bytes());
            (at(u64::from(number)), [ethernet, &header, part].concat())
        })
        .collect();
    records(&frames)
}

#[test]
fn m010_frames_without_octets_cost_nothing() {
    let packets = vec![(at(0), Vec::new()); 100_000];
    let told = records(&packets);
    assert_eq!(summary(&told)["packets"], 100_000);
    assert_eq!(told.len(), 1);
}

#[test]
fn m011_what_a_short_capture_length_cut_is_not_judged() {
    for kept in [96, 200, 400] {
        let packets: Vec<_> = packets_of("proxied-call")
            .into_iter()
            .map(|(at, mut data)| {
                data.truncate(kept);
                (at, data)
            })
            .collect();
        let output = run_with(&["-", "--json", "-q"], &file(&packets, 1500));
        let report: Value = serde_json::from_str(&output.stdout).expect("JSON");
        assert_eq!(output.status, Some(0));
        let summary = &report["summary"];
        assert_eq!(summary["complete"], false, "{kept}");
        let reasons = summary["incomplete_reasons"].to_string();
        assert!(reasons.contains("SIP messages cut short"), "{reasons}");
        // RTP needs its header alone: nothing of it is lost.
        for stream in report["rtp_streams"].as_array().expect("streams") {
            assert_eq!(stream["lost"], 0, "{kept}");
        }
        let strict = run_with(&["-", "--json", "-q", "--strict"], &file(&packets, 1500));
        assert_eq!(strict.status, Some(4), "{kept}");
    }
}

#[test]
fn m015_packets_captured_twice_are_not_sent_again() {
    let once = packets_of("proxied-call");
    let twice: Vec<_> = once
        .iter()
        .flat_map(|own| [own.clone(), own.clone()])
        .collect();
    let (plain, doubled) = (records(&once), records(&twice));
    assert_eq!(
        summary(&doubled)["retransmissions"],
        summary(&plain)["retransmissions"]
    );
    assert_eq!(
        summary(&doubled)["duplicates"],
        summary(&plain)["sip_messages"]
    );
    let calls = |told: &[Value]| -> Vec<String> {
        of_type(told, "call")
            .map(|call| {
                format!(
                    "{} {} {}",
                    call["outcome"], call["messages"], call["talk_ms"]
                )
            })
            .collect()
    };
    assert_eq!(calls(&doubled), calls(&plain));
    for stream in of_type(&doubled, "rtp_stream") {
        assert_eq!(
            (&stream["lost"], stream["duplicates"].as_u64() > Some(100)),
            (&0.into(), true)
        );
    }
}

#[cfg(unix)]
#[test]
fn m017_paths_of_every_kind_are_read_or_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let capture = std::fs::read(testdata().join("cases/proxied-call/capture.pcap"));
    let capture = capture.expect("the capture");
    for name in [
        &b"with space.pcap"[..],
        b"with\nline.pcap",
        b"-leading.pcap",
        b"\xff\xfe.pcap",
        b"a\x1b[31m.pcap",
        &[b'x'; 255],
    ] {
        let path = folder.path().join(std::ffi::OsStr::from_bytes(name));
        std::fs::write(&path, &capture).expect("written");
        let output = program()
            .args(["analyze", "--format", "table", "--"])
            .arg(&path)
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{name:?}");
        assert!(!output.stdout.contains(&0x1b), "{name:?}");
        let head = output.stdout.split(|octet| *octet == b'\n').next();
        let head = String::from_utf8_lossy(head.unwrap_or_default());
        assert!(head.contains("packets"), "{head}");
        std::fs::remove_file(&path).expect("removed");
    }
    let refused = |path: &std::path::Path| {
        let output = program().arg("analyze").arg(path).output();
        let output = output.expect("the program runs");
        assert_eq!(output.status.code(), Some(3), "{}", path.display());
    };
    refused(&folder.path().join("y".repeat(4096)));
    let around = folder.path().join("around");
    std::os::unix::fs::symlink(&around, &around).expect("a link");
    refused(&around);
}

#[test]
fn m020_records_out_of_order_lose_nothing() {
    let mut packets = packets_of("proxied-call");
    let plain = records(&packets);
    // Neighbours change places, as two queues of one card do.
    let mut rng = fastrand::Rng::with_seed(20);
    let mut place = 1;
    while place < packets.len() {
        if rng.bool() {
            packets.swap(place - 1, place);
        }
        place += 2;
    }
    let shuffled = records(&packets);
    let streams = |told: &[Value]| -> Vec<String> {
        let mut lines: Vec<String> = of_type(told, "rtp_stream")
            .map(|stream| {
                format!(
                    "{} {} {}",
                    stream["ssrc"], stream["packets"], stream["lost"]
                )
            })
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(streams(&shuffled), streams(&plain));
    let outcome = |told: &[Value]| {
        let call = of_type(told, "call").next().cloned().expect("a call");
        (call["outcome"].clone(), call["messages"].clone())
    };
    assert_eq!(outcome(&shuffled), outcome(&plain));
}

#[test]
fn m024_reports_with_impossible_clocks_give_no_round_trip() {
    // RTP one way; its sender's report; a receiver's report on it.
    let stream = |number: u16| {
        let mut payload = vec![0x80, 0];
        payload.extend(number.to_be_bytes());
        payload.extend((u32::from(number) * 160).to_be_bytes());
        payload.extend([0, 0, 0, 7]);
        payload.extend([0x55; 160]);
        (at(u64::from(number) * 20), udp(1, 4000, 4002, &payload))
    };
    let reported = |ntp: u32, last: u32, delay: u32| {
        let mut packets: Vec<_> = (0..50).map(stream).collect();
        let mut sender = vec![0x80, 200, 0, 6, 0, 0, 0, 7, 0, 0];
        sender.extend(ntp.to_be_bytes());
        sender.extend([0; 14]);
        packets.push((at(1000), udp(1, 4001, 4003, &sender)));
        let mut receiver = vec![0x81, 201, 0, 7, 0, 0, 0, 8, 0, 0, 0, 7];
        receiver.extend([0, 0, 0, 0, 0, 0, 0, 49, 0, 0, 0, 16]);
        receiver.extend(last.to_be_bytes());
        receiver.extend(delay.to_be_bytes());
        let mut back = udp(0xc000_0201, 4003, 4001, &receiver);
        back[30..34].copy_from_slice(&1_u32.to_be_bytes());
        packets.push((at(1100), back));
        let told = records(&packets);
        let stream = of_type(&told, "rtp_stream").next().cloned();
        let stream = stream.expect("a stream");
        assert_eq!(stream["rtcp_reports"], 1);
        stream["rtt_ms"].clone()
    };
    assert_eq!(reported(0x1234_5678, 0x1234_5678, 65_536 / 20), 50.012);
    // No report came before; another one is meant; held longer than it took.
    assert_eq!(reported(0, 0, 0), Value::Null);
    assert_eq!(reported(0x1234_5678, 0x1234_5679, 0), Value::Null);
    assert_eq!(reported(0x1234_5678, 0x1234_5678, 65_536), Value::Null);
    assert_eq!(reported(0x1234_5678, 0x1234_5678, u32::MAX), Value::Null);
}

/// A segment of TCP from 10.0.0.1 to 192.0.2.1.
fn segment(sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = udp(0x0a00_0001, 40_000, 5060, &[0; 12]);
    frame[23] = 6;
    let total = u16::try_from(40 + payload.len()).expect("short");
    frame[16..18].copy_from_slice(&total.to_be_bytes());
    frame[38..42].copy_from_slice(&sequence.to_be_bytes());
    frame[42..54].copy_from_slice(&[0, 0, 0, 0, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
    frame.extend(payload);
    frame
}

#[test]
fn m030_one_octet_in_each_segment_is_a_message_all_the_same() {
    let body = "x".repeat(30_000);
    let message = request(
        &format!(
            "Content-Type: text/plain\r\nContent-Length: {}\r\n",
            body.len()
        ),
        &body,
    );
    let packets: Vec<_> = message
        .iter()
        .zip(0_u32..)
        .map(|(octet, number)| (at(u64::from(number)), segment(1 + number, &[*octet])))
        .collect();
    let told = records(&packets);
    let messages: Vec<_> = of_type(&told, "message").collect();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["length"], message.len());
    assert_eq!(messages[0]["fragments"], message.len());
}

#[test]
fn m032_content_lengths_that_lie_cost_one_message() {
    for length in [
        "4000000000",
        "-1",
        "2147483648",
        "18446744073709551616",
        "12abc",
        "0\r\nContent-Length: 5",
    ] {
        let lying = request(&format!("Content-Length: {length}\r\n"), "");
        let good = request("Content-Length: 0\r\n", "").repeat(3);
        let stream = [lying, good].concat();
        let mut sequence = 1;
        let mut packets = Vec::new();
        for part in stream.chunks(1000) {
            packets.push((at(u64::from(sequence)), segment(sequence, part)));
            sequence += u32::try_from(part.len()).expect("short");
        }
        let told = records(&packets);
        let messages = of_type(&told, "message").count();
        assert!((1..=4).contains(&messages), "{length}: {messages}");
        // Over UDP the datagram bounds it.
        let told = told_of(&request(&format!("Content-Length: {length}\r\n"), ""));
        assert_eq!(of_type(&told, "message").count(), 1, "{length}");
    }
}

#[test]
fn m036_messages_that_broke_others_are_told_of() {
    let long = "i".repeat(4096);
    let sdp = |body: &str| {
        let fields = format!(
            "Content-Type: application/sdp\r\nContent-Length: {}\r\n",
            body.len()
        );
        request(&fields, body)
    };
    let with = |fields: &str| request(&format!("{fields}Content-Length: 0\r\n"), "");
    let plain = with("");
    let replaced = |from: &str, to: &str| {
        let text = String::from_utf8(plain.clone()).expect("UTF-8");
        assert!(text.contains(from));
        text.replace(from, to).into_bytes()
    };
    for (what, message) in [
        (
            "long Call-ID",
            replaced("Call-ID: row", &format!("Call-ID: {long}")),
        ),
        ("empty Warning", with("Warning:\r\n")),
        ("Warning in words", with("Warning: nothing of the kind\r\n")),
        ("two To, one tag empty", with("To: <sip:c@x>;tag=\r\n")),
        ("bad Via", replaced("SIP/2.0/UDP h;", "SIP/2.0/ ;;=,")),
        (
            "no Via",
            replaced("Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n", ""),
        ),
        ("two versions", sdp("v=\nv=0\n")),
        (
            "payload type too large",
            sdp("v=0\r\nm=audio 4000 RTP/AVP 4294967296\r\n"),
        ),
        (
            "NUL in fmtp",
            sdp("v=0\r\nm=audio 4000 RTP/AVP 96\r\na=fmtp:96 \0\0\r\n"),
        ),
        (
            "negative length",
            replaced("Content-Length: 0", "Content-Length: -5"),
        ),
        (
            "multipart without a boundary",
            request(
                "Content-Type: multipart/mixed\r\nContent-Length: 4\r\n",
                "--\r\n",
            ),
        ),
        (
            "long media type",
            request(
                &format!(
                    "Content-Type: {}/x\r\nContent-Length: 0\r\n",
                    "t".repeat(300)
                ),
                "",
            ),
        ),
        (
            "long summary",
            with(&format!("Message-Summary: {}\r\n", "m".repeat(513))),
        ),
        (
            "bad CSeq",
            replaced("CSeq: 1 INVITE", "CSeq: 99999999999 ,"),
        ),
        ("empty Call-ID", replaced("Call-ID: row", "Call-ID:")),
        ("bad Refer-To", with("Refer-To: <<<>;;\"\r\n")),
        ("Contact without an end", with("Contact: \"<sip:a@x\r\n")),
        (
            "bad credentials",
            with("Authorization: Digest username=\"\\\r\n"),
        ),
        ("Session-Expires", with("Session-Expires: ;;;refresher\r\n")),
        (
            "Subscription-State",
            with("Subscription-State: ;=;\r\nEvent: ;id\r\n"),
        ),
    ] {
        let told = told_of(&message);
        assert_eq!(of_type(&told, "message").count(), 1, "{what}");
        assert_eq!(summary(&told)["sip_messages"], 1, "{what}");
    }
}

#[test]
fn m037_endless_header_sections_end() {
    for (what, fields) in [
        ("many fields", "a: b\r\n".repeat(9000)),
        ("one long field", format!("a: {}\r\n", "b".repeat(60_000))),
        ("many folds", format!("a: b\r\n{}", " c\r\n".repeat(10_000))),
        (
            "many Vias",
            "Via: SIP/2.0/UDP h;branch=z9hG4bK2\r\n".repeat(1500),
        ),
        (
            "many parameters",
            format!("Contact: <sip:a@x>{}\r\n", ";p=1".repeat(14_000)),
        ),
        (
            "many commas",
            format!("Contact: \"{}\" <sip:a@x>\r\n", ",".repeat(55_000)),
        ),
        (
            "many contacts",
            format!("Contact: {}<sip:z@x>\r\n", "<sip:a@x>,".repeat(5000)),
        ),
    ] {
        let told = told_of(&request(&format!("{fields}Content-Length: 0\r\n"), ""));
        assert_eq!(summary(&told)["sip_messages"], 1, "{what}");
        assert_eq!(of_type(&told, "call").count(), 1, "{what}");
    }
}

#[test]
fn m038_endless_descriptions_end_and_are_counted() {
    for (what, body) in [
        (
            "attributes",
            format!(
                "m=audio 4000 RTP/AVP 0\r\n{}",
                "a=rtpmap:0 P/8000\r\n".repeat(2500)
            ),
        ),
        ("media", "m=audio 4000 RTP/AVP 0\r\n".repeat(2000)),
        (
            "candidates",
            format!(
                "m=audio 4000 RTP/AVP 0\r\n{}",
                "a=candidate:1 1 UDP 1 10.0.0.9 9 typ host\r\n".repeat(1200)
            ),
        ),
        (
            "payload types",
            format!("m=audio 4000 RTP/AVP{}\r\n", " 0".repeat(20_000)),
        ),
    ] {
        let body = format!("v=0\r\nc=IN IP4 10.0.0.1\r\n{body}");
        let fields = format!(
            "Content-Type: application/sdp\r\nContent-Length: {}\r\n",
            body.len()
        );
        let told = told_of(&request(&fields, &body));
        assert_eq!(of_type(&told, "call").count(), 1, "{what}");
        let limits: Vec<&Value> = of_type(&told, "limit").collect();
        assert_eq!(limits.len(), 1, "{what}: {limits:?}");
        assert_eq!(limits[0]["limit"], "descriptions", "{what}");
        assert_eq!(summary(&told)["complete"], false, "{what}");
    }
}

#[test]
fn m050_only_sip_is_sip() {
    let count = |port: u16, payload: &[u8]| {
        let told = records(&[(at(0), udp(1, port, port, payload))]);
        summary(&told)["sip_messages"].as_u64()
    };
    for other in [
        "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n\r\n",
        "GET /sip HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nCall-ID: x\r\n\r\n",
        "SIP is a protocol\r\n\r\n",
    ] {
        assert_eq!(count(5060, other.as_bytes()), Some(0), "{other}");
    }
    let invite = request("Content-Length: 0\r\n", "");
    for port in [53, 67, 161, 443, 5060, 40_000] {
        assert_eq!(count(port, &invite), Some(1), "{port}");
    }
}

#[test]
fn m011_packets_cut_anywhere_are_all_counted() {
    let packets = packets_of("proxied-call");
    for kept in (0..120).step_by(7) {
        let cut: Vec<_> = packets
            .iter()
            .map(|(at, data)| (*at, data[..data.len().min(kept)].to_vec()))
            .collect();
        let told = records(&cut);
        assert_eq!(summary(&told)["packets"], packets.len(), "{kept}");
    }
}

/// Calls that were answered before a flood of Call-IDs are told whole after it, though
/// the flood fills the budget many times over.
#[test]
fn m053_calls_that_stand_outlive_a_flood() {
    let text = "\
x100/3 0 A>B INVITE call=good% branch=a%
x100/3 1 B>A 200 call=good% branch=a% to=t
x100/3 2 A>B ACK call=good% branch=b% to=t
x20000/1 1000 A>B INVITE call=flood% branch=f%
x100/3 30000 A>B BYE call=good% branch=c% cseq=2 to=t
x100/3 30001 B>A 200 call=good% branch=c% cseq=2 to=t method=BYE
";
    let mut completed = 0;
    let mut is_full = false;
    for record in scene::records_within(text, Limits::within(2 * 1024 * 1024)) {
        match record {
            Record::Call(call) if call.call_id.starts_with("good") => {
                assert_eq!(call.outcome, "completed", "{}", call.call_id);
                completed += 1;
            }
            Record::Limit(limit) => is_full |= limit.limit == "bytes" || limit.limit == "calls",
            _ => {}
        }
    }
    assert!(is_full);
    assert_eq!(completed, 100);
}
