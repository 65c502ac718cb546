//! Writes a made-up capture: `workload rtp|sip|mix|noise MEGABYTES FILE`.

use std::fs::File;
use std::io::BufWriter;
use std::process::ExitCode;

use sip_inspect::workload::{Plan, generate};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, megabytes, path] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    let Ok(megabytes) = megabytes.parse::<u64>() else {
        return ExitCode::from(2);
    };
    // Octets that one call of each kind makes, about.
    let plan = match kind.as_str() {
        "rtp" => Plan::rtp(1, (megabytes * 1_000_000 / 1_100_000).max(1)),
        "sip" => Plan::sip(1, megabytes * 1_000_000 / 3_500),
        "mix" => Plan::mix(1, megabytes * 1_000_000 / 80_000),
        "noise" => Plan {
            noise: 0.9,
            ..Plan::rtp(1, (megabytes * 1_000_000 / 17_000_000).max(1))
        },
        _ => return ExitCode::from(2),
    };
    let written = File::create(path)
        .map(BufWriter::new)
        .and_then(|out| generate(&plan).write(out));
    match written {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
