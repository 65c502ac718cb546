//! `stats`: what many calls have in common.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::args::{PlainFormat, StatsArgs};
use super::gathering::{Gatherer, gather};
use super::reporter::output_status;
use super::{ExitStatus, notices};
use crate::capture::Inputs;
use crate::inspector::stats::Stats;
use crate::output::escape::{terminal, write_json};
use crate::report::{Ratio, Record, Spread, StatsRecord};

impl Gatherer for Stats {
    fn record(&mut self, record: Record) {
        self.add(record);
    }
}

/// Runs the verb.
pub(super) fn run(args: &StatsArgs) -> ExitStatus {
    let config = match args.keys.config() {
        Ok(config) => config,
        Err(status) => return status,
    };
    let inputs = match Inputs::open(&args.files, 8 * 1024 * 1024 * 1024) {
        Ok(inputs) => inputs,
        Err((path, error)) => {
            notices::error(&format!("{}: {error}", path.display()));
            return ExitStatus::Input;
        }
    };
    let stats = gather(inputs, config, Stats::default()).finish();
    let mut out = io::stdout().lock();
    let written = match args.format {
        PlainFormat::Json => write_json(&mut out, &stats).and_then(|()| out.write_all(b"\n")),
        PlainFormat::Table => print(&stats, &mut out),
    };
    output_status(written.and_then(|()| out.flush()), "standard output")
}

fn print(stats: &StatsRecord, out: &mut impl Write) -> io::Result<()> {
    let counts = |counts: &std::collections::BTreeMap<String, u64>| {
        let mut listed: Vec<(&String, &u64)> = counts.iter().collect();
        listed.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
        let listed: Vec<String> = listed
            .iter()
            .take(16)
            .map(|(name, count)| format!("{} {count}", terminal(name)))
            .collect();
        listed.join(", ")
    };
    writeln!(out, "{} calls: {}", stats.calls, counts(&stats.outcomes))?;
    if stats.excluded_calls > 0 {
        writeln!(
            out,
            "{} more began before the capture and count nowhere below",
            stats.excluded_calls
        )?;
    }
    let mut grid = Table::new();
    grid.load_style(presets::NOTHING);
    grid.set_header(["RFC 6076", "", "of"]);
    let ratios: [(&str, &Ratio); 5] = [
        ("SER   answered", &stats.session_establishment_ratio),
        (
            "SEER  answered or turned down",
            &stats.session_establishment_effectiveness_ratio,
        ),
        ("ISA   ineffective", &stats.ineffective_session_attempts),
        ("SCR   completed", &stats.session_completion_ratio),
        (
            "IRA   ineffective registrations",
            &stats.ineffective_registration_attempts,
        ),
    ];
    for (name, ratio) in ratios {
        let percent = ratio
            .percent
            .map_or_else(|| "-".to_owned(), |percent| format!("{percent:.2} %"));
        grid.add_row([
            Cell::new(name),
            Cell::new(percent).set_alignment(CellAlignment::Right),
            Cell::new(format!("{} of {}", ratio.counted, ratio.of)),
        ]);
    }
    write_grid(&grid, out)?;
    let mut grid = Table::new();
    grid.load_style(presets::NOTHING);
    grid.set_header(["", "count", "min", "p50", "p95", "p99", "max", "mean"]);
    let spreads: [(&str, &Spread); 8] = [
        (
            "RRD   registration delay, ms",
            &stats.registration_request_delay,
        ),
        (
            "SRD   answered calls, ms",
            &stats.session_request_delay_successful,
        ),
        (
            "SRD   failed calls, ms",
            &stats.session_request_delay_failed,
        ),
        (
            "SDD   disconnect delay, ms",
            &stats.session_disconnect_delay,
        ),
        ("SDT   duration, ms", &stats.session_duration_time),
        ("loss, %", &stats.loss_percent),
        ("jitter, ms", &stats.jitter_ms),
        ("MOS", &stats.mos),
    ];
    for (name, spread) in spreads {
        let value = |value: Option<f64>| {
            let text = value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
            Cell::new(text).set_alignment(CellAlignment::Right)
        };
        grid.add_row([
            Cell::new(name),
            Cell::new(spread.count).set_alignment(CellAlignment::Right),
            value(spread.min),
            value(spread.p50),
            value(spread.p95),
            value(spread.p99),
            value(spread.max),
            value(spread.mean),
        ]);
    }
    write_grid(&grid, out)?;
    for (name, listed) in [
        ("Requests ", &stats.requests),
        ("Responses", &stats.responses),
        ("Codecs   ", &stats.codecs),
        ("Audio    ", &stats.audio),
    ] {
        if !listed.is_empty() {
            writeln!(out, "{name}  {}", counts(listed))?;
        }
    }
    Ok(())
}

fn write_grid(grid: &Table, out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    for line in grid.to_string().lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    writeln!(out)
}
