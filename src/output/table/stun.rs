//! STUN exchanges, those of one kind between two hosts in one line.

use std::collections::BTreeMap;
use std::io::{self, Write};

use colored::Colorize as _;
use comfy_table::Cell;

use super::rows::address;
use super::{MAX_LINES, grid, write_grid};
use crate::output::escape::terminal;
use crate::report::StunExchangeRecord;

/// Kinds of STUN exchanges that are told apart.
const MAX_STUN: usize = 4096;

/// Gathers STUN exchanges and writes them.
#[derive(Debug, Default)]
pub(super) struct StunTable {
    lines: BTreeMap<StunLine, StunCount>,
    more: u64,
    /// Connectivity checks, which the pairs of ICE tell of.
    checks: u64,
}

/// What STUN exchanges of one line have in common.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct StunLine {
    src: String,
    dst: String,
    method: String,
    outcome: String,
    mapped: String,
}

#[derive(Debug, Default)]
struct StunCount {
    exchanges: u64,
    retransmissions: u64,
    rtt_ms: Option<f64>,
}

impl StunTable {
    /// Exchanges of the same kind between the same two hosts share a line.
    pub(super) fn add(&mut self, exchange: &StunExchangeRecord) {
        if exchange.ice_session.is_some() {
            self.checks += 1;
            return;
        }
        let outcome = match exchange.error_code {
            Some(code) => format!("error {code}"),
            None => exchange.outcome.clone(),
        };
        let line = StunLine {
            src: address(&exchange.src_ip, exchange.src_port),
            dst: address(&exchange.dst_ip, exchange.dst_port),
            method: terminal(&exchange.method).into_owned(),
            outcome,
            mapped: exchange.mapped_address.clone().unwrap_or_default(),
        };
        if self.lines.len() >= MAX_STUN && !self.lines.contains_key(&line) {
            self.more += 1;
            return;
        }
        let count = self.lines.entry(line).or_default();
        count.exchanges += 1;
        count.retransmissions += exchange.retransmissions;
        count.rtt_ms = match (count.rtt_ms, exchange.rtt_ms) {
            (Some(known), Some(new)) => Some(known.min(new)),
            (known, new) => known.or(new),
        };
    }

    /// Writes them, if there are any.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        if self.checks > 0 {
            let line = format!("Connectivity checks: {}, told by their pairs", self.checks);
            writeln!(out, "\n{}", line.dimmed())?;
        }
        if self.lines.is_empty() {
            return Ok(());
        }
        let mut grid = grid(&[
            "STUN",
            "Method",
            "Outcome",
            "Mapped address",
            "Count",
            "Sent again",
            "Least RTT",
        ]);
        for (line, count) in self.lines.iter().take(MAX_LINES) {
            grid.add_row([
                Cell::new(format!("{} -> {}", line.src, line.dst)),
                Cell::new(&line.method),
                Cell::new(&line.outcome),
                Cell::new(&line.mapped),
                Cell::new(count.exchanges),
                Cell::new(count.retransmissions),
                Cell::new(
                    count
                        .rtt_ms
                        .map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms")),
                ),
            ]);
        }
        writeln!(out)?;
        write_grid(out, &grid)?;
        let lines = self.lines.len().saturating_sub(MAX_LINES) as u64;
        let more = lines + self.more;
        if more > 0 {
            writeln!(out, "(+{more} more: --format csv --section stun-exchanges)")?;
        }
        Ok(())
    }
}
