//! The paths that each packet takes, one by one.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

use sip_inspect::inspector::{Case, Config, Inspector, PointInfo};
use sip_inspect::link;
use sip_inspect::output::Sink;
use sip_inspect::output::ndjson::Ndjson;
use sip_inspect::packet::{CapturePoint, LinkType, Packet};
use sip_inspect::pcap::{Decoder, Step};
use sip_inspect::report::Record;
use sip_inspect::sdp::SessionDescription;
use sip_inspect::sip::SipMessage;
use sip_inspect::workload::{Plan, Workload, generate};

fn main() {
    divan::main();
}

fn rtp() -> Workload {
    generate(&Plan {
        talk_s: 10,
        ..Plan::rtp(1, 20)
    })
}

fn sip() -> Workload {
    generate(&Plan::sip(1, 200))
}

fn packets(workload: &Workload) -> impl Iterator<Item = Packet<'_>> {
    workload
        .packets
        .iter()
        .zip(1..)
        .map(|((at, data), number)| Packet {
            number,
            timestamp: *at,
            file: 0,
            capture_point: CapturePoint(0),
            link_type: LinkType(1),
            original_length: u32::try_from(data.len()).unwrap_or(u32::MAX),
            data,
        })
}

/// The UDP payloads of a workload: 14 + 20 + 8 octets of headers precede them.
fn payloads(workload: &Workload) -> Vec<&[u8]> {
    workload
        .packets
        .iter()
        .filter_map(|(_, data)| data.get(42..))
        .collect()
}

#[divan::bench]
fn read_file(bencher: Bencher<'_, '_>) {
    let workload = rtp();
    let file = workload.write(Vec::new()).expect("a vector takes all");
    bencher
        .counter(ItemsCount::new(workload.packets.len()))
        .bench(|| {
            let mut decoder = Decoder::new();
            let mut rest = file.as_slice();
            let mut octets = 0;
            while let Ok(step) = decoder.step(rest) {
                match step {
                    Step::NeedMore(_) => break,
                    Step::Skipped { consumed } => rest = &rest[consumed..],
                    Step::Packet { consumed, data, .. } => {
                        octets += data.len();
                        rest = &rest[consumed..];
                    }
                }
            }
            octets
        });
}

#[divan::bench]
fn decode_packets(bencher: Bencher<'_, '_>) {
    let workload = rtp();
    bencher
        .counter(ItemsCount::new(workload.packets.len()))
        .bench(|| {
            for packet in packets(&workload) {
                black_box(link::decode(&packet));
            }
        });
}

#[divan::bench]
fn parse_sip(bencher: Bencher<'_, '_>) {
    let workload = sip();
    let payloads = payloads(&workload);
    bencher.counter(ItemsCount::new(payloads.len())).bench(|| {
        for payload in &payloads {
            black_box(SipMessage::parse(payload));
        }
    });
}

#[divan::bench]
fn parse_sdp(bencher: Bencher<'_, '_>) {
    let workload = sip();
    let bodies: Vec<&[u8]> = payloads(&workload)
        .into_iter()
        .filter_map(|payload| payload.get(payload.windows(3).position(|at| at == b"v=0")?..))
        .collect();
    bencher.counter(ItemsCount::new(bodies.len())).bench(|| {
        for body in &bodies {
            black_box(SessionDescription::parse(body));
        }
    });
}

fn inspector() -> Inspector {
    let mut inspector = Inspector::new(Config::default());
    inspector.add_point(PointInfo {
        file: String::new(),
        interface: String::new(),
        link_type: LinkType(1),
        digits: 9,
        dropped: None,
    });
    inspector
}

fn inspect(bencher: Bencher<'_, '_>, workload: &Workload) {
    bencher
        .counter(ItemsCount::new(workload.packets.len()))
        .bench(|| {
            let mut inspector = inspector();
            for packet in packets(workload) {
                inspector.handle(&packet);
                while let Some(record) = inspector.poll_record() {
                    black_box(record);
                }
            }
            inspector.finish();
            while let Some(record) = inspector.poll_record() {
                black_box(record);
            }
            inspector.packets()
        });
}

/// Calls that ended, not judged yet; what follows them alone.
fn cases(workload: &Workload) -> Vec<Case> {
    let mut inspector = inspector();
    inspector.leave_cases();
    let mut cases = Vec::new();
    for packet in packets(workload) {
        inspector.handle(&packet);
        cases.extend(std::iter::from_fn(|| inspector.poll_case()));
    }
    inspector.finish();
    while inspector.pull() {}
    cases.extend(std::iter::from_fn(|| inspector.poll_case()));
    cases
}

/// Transactions, dialogs, offers and answers; no rules, no records.
#[divan::bench]
fn follow_sip(bencher: Bencher<'_, '_>) {
    let workload = sip();
    bencher
        .counter(ItemsCount::new(workload.packets.len()))
        .bench(|| cases(&workload).len());
}

/// The rules and the records of calls.
#[divan::bench]
fn judge_calls(bencher: Bencher<'_, '_>) {
    let workload = sip();
    let count = cases(&workload).len();
    bencher
        .counter(ItemsCount::new(count))
        .with_inputs(|| cases(&workload))
        .bench_values(|cases| {
            for case in cases {
                black_box(case.judge());
            }
        });
}

#[divan::bench]
fn write_records(bencher: Bencher<'_, '_>) {
    let workload = sip();
    let mut inspector = inspector();
    for packet in packets(&workload) {
        inspector.handle(&packet);
    }
    inspector.finish();
    let records: Vec<Record> = std::iter::from_fn(|| inspector.poll_record()).collect();
    bencher
        .counter(ItemsCount::new(records.len()))
        .with_inputs(|| records.clone())
        .bench_values(|records| {
            let mut out = Ndjson::new(std::io::sink());
            for record in records {
                out.record(record).expect("a sink takes all");
            }
        });
}

/// The next packet of one of several streams, and all before it.
#[divan::bench]
fn inspect_rtp(bencher: Bencher<'_, '_>) {
    inspect(bencher, &rtp());
}

#[divan::bench]
fn inspect_sip(bencher: Bencher<'_, '_>) {
    inspect(bencher, &sip());
}
