//! Writes a made-up capture, and its truth beside it as `FILE.json`:
//! `workload KIND MEGABYTES FILE`.

use std::fs::File;
use std::io::{self, BufWriter};
use std::process::ExitCode;

use serde_json::json;
use sip_inspect::workload::{Kind, Plan, Truth, generate};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, megabytes, path] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    let plan = megabytes.parse().ok().and_then(|own| plan(kind, own));
    let Some(plan) = plan else {
        return ExitCode::from(2);
    };
    let workload = generate(&plan);
    let written = File::create(path)
        .map(BufWriter::new)
        .and_then(|out| workload.write(out))
        .and_then(|_| std::fs::write(format!("{path}.keys"), &workload.truth.keys))
        .and_then(|()| tell(&workload.truth, &format!("{path}.json")));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// What to make, by the octets that one call of a kind makes, about.
fn plan(kind: &str, megabytes: u64) -> Option<Plan> {
    let calls = |octets: u64| (megabytes * 1_000_000 / octets).max(1);
    // So many calls talk at a time.
    let at_once = |concurrent: u64| {
        let plan = Plan::rtp(1, calls(1_100_000));
        Plan {
            window_s: (plan.calls * plan.talk_s / concurrent).max(1),
            ..plan
        }
    };
    Some(match kind {
        "rtp" => Plan::rtp(1, calls(1_100_000)),
        "rtp-dynamic" => Plan {
            dynamic: true,
            ..Plan::rtp(1, calls(800_000))
        },
        "rtp-20" => at_once(20),
        "rtp-400" => at_once(400),
        "sip" => Plan::sip(1, calls(3_500)),
        // No call stays up or waits for long: what is held is what runs at once.
        "sip-ended" => {
            let plan = Plan::sip(1, calls(3_500));
            let kinds = plan.kinds.iter().copied();
            Plan {
                kinds: kinds
                    .filter(|own| !matches!(own, Kind::Established | Kind::TimedOut))
                    .collect(),
                ..plan
            }
        }
        "tcp" => Plan {
            tcp: true,
            ..Plan::sip(1, calls(3_900))
        },
        "mix" => Plan::mix(1, calls(80_000)),
        "rich" => Plan::rich(1, calls(80_000)),
        "noise" => Plan {
            noise: 0.9,
            ..Plan::rtp(1, calls(17_000_000))
        },
        _ => return None,
    })
}

fn tell(truth: &Truth, path: &str) -> io::Result<()> {
    let mut outcomes = std::collections::BTreeMap::<&str, u64>::new();
    for call in truth.calls.values() {
        *outcomes.entry(&call.outcome).or_default() += 1;
    }
    let told = json!({
        "packets": truth.packets,
        "sip_messages": truth.sip_messages,
        "retransmissions": truth.retransmissions,
        "calls": truth.calls.len(),
        "outcomes": outcomes,
        "rtp_streams": truth.streams.len(),
        "rtp_packets": truth.streams.values().map(|own| own.packets).sum::<u64>(),
        "lost": truth.streams.values().map(|own| own.lost).sum::<u64>(),
    });
    serde_json::to_writer(File::create(path)?, &told).map_err(io::Error::from)
}
