//! What an analysis holds, counted by the allocator: it does not grow with the
//! capture, and floods stay within the byte budget.

mod common;

use common::wire::udp;
use peak_alloc::PeakAlloc;
use sip_inspect::engine::Config as EngineConfig;
use sip_inspect::engine::limits::Limits;
use sip_inspect::inspector::{Config, Inspector, PointInfo};
use sip_inspect::output::Sink;
use sip_inspect::output::ndjson::Ndjson;
use sip_inspect::packet::{LinkType, Packet};
use sip_inspect::time::Timestamp;
use sip_inspect::workload::{Plan, generate};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What it is of, how many packets, and one of them.
type Flood = (&'static str, u64, fn(u32) -> Vec<u8>);

const MIB: usize = 1024 * 1024;

/// The most octets that an analysis held at a time, written as NDJSON. Frames
/// are made one by one, or were there before.
fn peak<D: AsRef<[u8]>>(budget: usize, frames: impl Iterator<Item = (u64, D)>) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let mut inspector = Inspector::new(Config {
        engine: EngineConfig {
            limits: Limits::within(budget),
            ..EngineConfig::default()
        },
        ..Config::default()
    });
    let point = inspector.add_point(PointInfo {
        file: "f".to_owned(),
        interface: "if0".to_owned(),
        link_type: LinkType(1),
        digits: 9,
        dropped: None,
    });
    let mut out = Ndjson::new(std::io::sink());
    for ((at, data), number) in frames.zip(1..) {
        let data = data.as_ref();
        inspector.handle(&Packet {
            number,
            timestamp: Timestamp::from_nanos(at),
            file: 0,
            capture_point: point,
            link_type: LinkType(1),
            original_length: u32::try_from(data.len()).expect("short"),
            data,
        });
        while let Some(record) = inspector.poll_record() {
            out.record(record).expect("a sink takes all");
        }
    }
    inspector.finish();
    let mut last = None;
    while let Some(record) = inspector.poll_record() {
        last = Some(record.section());
        out.record(record).expect("a sink takes all");
    }
    assert_eq!(last, Some("summary"));
    ALLOCATOR.peak_usage() - before
}

fn plan(plan: &Plan) -> usize {
    let packets = generate(plan).packets;
    // The packets stay until the end: what is measured is held beside them.
    let frames = packets.iter().map(|(at, data)| (at.as_nanos(), data));
    peak(32 * MIB, frames)
}

fn request(call: u32, branch: u32) -> String {
    format!(
        "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{branch}\r\n\
         From: <sip:a@x>;tag=f{call}\r\nTo: <sip:b@x>\r\nCall-ID: {call}\r\n\
         CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
}

/// In one test, since an allocator counts for all threads.
#[test]
fn m046_m053_what_is_held_is_bounded() {
    // Four times the calls, as many of them at a time.
    let talk = |calls: u64| {
        plan(&Plan {
            window_s: calls / 4,
            talk_s: 3,
            ..Plan::rtp(5, calls)
        })
    };
    let (short, long) = (talk(200), talk(800));
    assert!(long < short + short / 4 + MIB, "RTP: {short}, then {long}");
    assert!(long < 16 * MIB, "RTP: {long}");
    let signal = |calls: u64| plan(&Plan::sip(5, calls));
    let (short, long) = (signal(4_000), signal(12_000));
    assert!(long < short + short / 4 + MIB, "SIP: {short}, then {long}");
    assert!(long < 40 * MIB, "SIP: {long}");

    // A flood of each kind, many times the budget.
    let budget = 8 * MIB;
    let floods: [Flood; 5] = [
        ("connectivity checks of many sessions", 200_000, |number| {
            // Each session has 200 checks, each of a pair of its own.
            let names = format!("{:06x}:bbbbb", number % 1000);
            let mut payload = vec![0, 1, 0, 28, 0x21, 0x12, 0xa4, 0x42];
            payload.extend([number.to_be_bytes(); 3].concat());
            payload.extend([0, 6, 0, 12]);
            payload.extend(names.as_bytes());
            payload.extend([0, 0x24, 0, 4, 0, 0, 0, 1, 0x80, 0x22, 0, 0]);
            udp(number, 4000, 5000, &payload)
        }),
        ("Call-IDs", 60_000, |number| {
            udp(number, 5060, 5060, request(number, number).as_bytes())
        }),
        ("messages of one Call-ID", 60_000, |number| {
            udp(7, 5060, 5060, request(7, number).as_bytes())
        }),
        ("flows that look like media", 120_000, |number| {
            let mut payload = [0x80_u8; 172];
            payload[2..6].copy_from_slice(&number.to_be_bytes());
            udp(number, 4000, 4000, &payload)
        }),
        ("flows of anything", 120_000, |number| {
            udp(number, 4000, 443, &[0xc1_u8; 600])
        }),
    ];
    for (what, count, frame) in floods {
        let frames = (0..count).map(|number| {
            let host = u32::try_from(number).expect("few") | 10 << 24;
            (number * 20_000, frame(host))
        });
        let held = peak(budget, frames);
        // What no bound counts, such as buffers that are used again, is small.
        assert!(held < budget + budget / 4 + 2 * MIB, "{what}: {held}");
        assert!(
            held > MIB / 4,
            "{what}: {held} is too little to mean anything"
        );
    }
}
