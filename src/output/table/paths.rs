//! What passed between capture points, all calls together.

use std::collections::BTreeMap;
use std::io::{self, Write};

use colored::Colorize as _;

use super::listing::Listing;
use super::rows::short;
use crate::output::escape::terminal;
use crate::report::PathRecord;

/// Ways between capture points that are told apart.
const MAX_PATHS: usize = 64;
/// Changed fields that are named.
const MAX_FIELDS: usize = 6;

/// Gathers what calls say of the ways between capture points.
#[derive(Debug, Default)]
pub(super) struct Paths(BTreeMap<(String, String), Sum>);

#[derive(Debug, Default)]
struct Sum {
    messages: u64,
    lost: u64,
    packets: u64,
    lost_packets: u64,
    least_ms: Option<f64>,
    most_ms: Option<f64>,
    round_trip_ms: Option<f64>,
    changes: BTreeMap<String, u64>,
}

impl Paths {
    /// Adds one of a call.
    pub(super) fn add(&mut self, path: &PathRecord) {
        let key = (path.from.clone(), path.to.clone());
        if self.0.len() >= MAX_PATHS && !self.0.contains_key(&key) {
            return;
        }
        let sum = self.0.entry(key).or_default();
        sum.messages += path.messages;
        sum.lost += path.messages_lost;
        sum.packets += path.rtp_packets;
        sum.lost_packets += path.rtp_packets_lost;
        let least = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        sum.least_ms = least(sum.least_ms, path.delay_min_ms);
        sum.round_trip_ms = least(sum.round_trip_ms, path.round_trip_ms);
        sum.most_ms = match (sum.most_ms, path.delay_max_ms) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        for change in &path.changes {
            *sum.changes.entry(change.field.clone()).or_default() += change.count;
        }
    }

    /// Writes them, if there are any.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut rows = Listing::new("calls", ["Between", "SIP", "RTP", "Took", "Note"]);
        for ((from, to), sum) in &self.0 {
            let count = |passed: u64, lost: u64| match (passed, lost) {
                (0, 0) => "-".to_owned(),
                (passed, 0) => passed.to_string(),
                (passed, lost) => format!("{passed}, {}", format!("{lost} lost").red()),
            };
            let took = match (sum.least_ms, sum.most_ms) {
                (Some(least), Some(most)) => format!("{} to {}", brief(least), brief(most)),
                _ => "-".to_owned(),
            };
            let mut note = Vec::new();
            note.extend(
                sum.round_trip_ms
                    .map(|ms| format!("{} there and back", brief(ms))),
            );
            if !sum.changes.is_empty() {
                let fields: Vec<&str> = sum.changes.keys().map(String::as_str).collect();
                let named = fields.iter().take(MAX_FIELDS).copied().collect::<Vec<_>>();
                let more = match fields.len().saturating_sub(MAX_FIELDS) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let named = format!("changed: {}{more}", named.join(", "));
                note.push(terminal(&named).into_owned());
            }
            rows.add(|| {
                [
                    format!("{} -> {}", terminal(from), terminal(to)),
                    count(sum.messages, sum.lost),
                    count(sum.packets, sum.lost_packets),
                    took,
                    note.join(", "),
                ]
            });
        }
        rows.write(out)
    }
}

/// Between two points of one network little time passes.
fn brief(ms: f64) -> String {
    match ms.abs() < 10.0 {
        true => format!("{ms:.2} ms"),
        false => short(Some(ms)),
    }
}
