//! Captures read whole, for verbs that look at many records at once.

use super::{ExitStatus, notices};
use crate::capture::{Inputs, Notice, PacketSource};
use crate::inspector::{Config, Inspector, PointInfo};
use crate::packet::Packet;
use crate::pcap::Secrets;
use crate::report::{CallRecord, Record};

/// Takes the records.
pub(super) trait Gatherer {
    /// One record.
    fn record(&mut self, record: Record);
}

/// Reads all inputs into `into`.
pub(super) fn gather<G: Gatherer>(mut inputs: Inputs, config: Config, into: G) -> G {
    let mut gathering = Gathering {
        inspector: Inspector::new(config),
        into,
    };
    for name in inputs.names() {
        gathering.inspector.add_file(name.to_owned());
    }
    inputs.read(&mut gathering);
    gathering.inspector.finish();
    gathering.drain();
    gathering.into
}

struct Gathering<G> {
    inspector: Inspector,
    into: G,
}

impl<G: Gatherer> Gathering<G> {
    fn drain(&mut self) {
        while let Some(record) = self.inspector.poll_record() {
            self.into.record(record);
        }
    }
}

impl<G: Gatherer> PacketSource for Gathering<G> {
    fn point(&mut self, point: PointInfo) {
        self.inspector.add_point(point);
    }

    fn secrets(&mut self, secrets: &Secrets) {
        self.inspector.add_secrets(secrets);
    }

    fn packet(&mut self, packet: &Packet<'_>) -> bool {
        self.inspector.handle(packet);
        self.drain();
        true
    }

    fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Damaged { file, error } => notices::warning(&format!("{file}: {error}")),
            Notice::Skipped { path, error } => {
                notices::warning(&format!("{}: passed over: {error}", path.display()));
            }
        }
    }

    fn progress(&mut self, _octets: u64) {}
}

/// The calls that a user asks for: by number, Call-ID or user; all of them
/// without a wish.
///
/// # Errors
///
/// The status to exit with, after it has been said that there is none.
pub(super) fn chosen<'c>(
    calls: &'c [CallRecord],
    wanted: Option<&str>,
) -> Result<Vec<&'c CallRecord>, ExitStatus> {
    let chosen: Vec<&CallRecord> = match wanted {
        // A number is first of all the # of the list.
        Some(wanted) => match calls.iter().find(|call| wanted.parse() == Ok(call.index)) {
            Some(call) => vec![call],
            None => calls
                .iter()
                .filter(|call| is_wanted(call, wanted))
                .collect(),
        },
        None => calls.iter().collect(),
    };
    if chosen.is_empty() {
        notices::error(&wanted.map_or_else(
            || "there is no call".to_owned(),
            |wanted| {
                format!(
                    "no call is {wanted}: give its #, its Call-ID or the beginning of it, or a user"
                )
            },
        ));
        return Err(ExitStatus::Failed);
    }
    Ok(chosen)
}

fn is_wanted(call: &CallRecord, wanted: &str) -> bool {
    call.call_id.starts_with(wanted)
        || call.from_user.as_deref() == Some(wanted)
        || call.to_user.as_deref() == Some(wanted)
}

/// A call and those that it led to, or that led to it.
pub(super) fn tied<'c>(call: &'c CallRecord, calls: &'c [CallRecord]) -> Vec<&'c CallRecord> {
    let mut group = vec![call];
    let mut next = 0;
    while let Some(current) = group.get(next).copied() {
        next += 1;
        for leg in &current.legs {
            if let Some(other) = calls.iter().find(|other| other.call_id == leg.call_id)
                && !group.iter().any(|known| known.call_id == other.call_id)
                && group.len() < 16
            {
                group.push(other);
            }
        }
    }
    group.sort_by_key(|call| call.index);
    group
}
