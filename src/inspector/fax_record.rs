//! Fax of a call as records.

use super::scribe::Scribe;
use crate::engine::call::{Call, ClosedCall};
use crate::engine::fax::{FaxEvent, FaxOutcome, FaxSaid, FaxStream};
use crate::engine::session::{Epoch, Side};
use crate::report::{FaxRecord, FaxSignalRecord, FaxStreamRecord, MediaRecord, rounded};
use crate::sdp::T38Parameters;
use crate::t38::{Ifp, Signal};

impl Scribe {
    /// A medium that is fax, as it was agreed.
    pub(super) fn fax(epoch: &Epoch, index: usize) -> Option<Box<FaxRecord>> {
        let answerer = epoch.offer_by.other();
        let medium = epoch
            .medium(answerer, index)
            .or(epoch.offer.media.get(index));
        let medium = medium.filter(|medium| medium.is_udptl())?;
        let nothing = T38Parameters::default();
        let own = medium.t38.as_deref().unwrap_or(&nothing);
        Some(Box::new(FaxRecord {
            version: own.version,
            max_bit_rate: own.max_bit_rate,
            rate_management: own.rate_management.clone(),
            error_correction: own.error_correction.clone(),
            max_datagram: own.max_datagram,
            result: FaxOutcome::default().result.name().to_owned(),
            ..FaxRecord::default()
        }))
    }

    /// Adds to the rows of a call what was seen of its faxes, to the last row that speaks of
    /// each.
    pub(super) fn tell_faxes(&self, closed: &ClosedCall, rows: &mut [MediaRecord]) {
        let mut told = Vec::new();
        for row in rows.iter_mut().rev() {
            let Some(record) = row.t38.as_deref_mut() else {
                continue;
            };
            if told.contains(&row.index) {
                continue;
            }
            told.push(row.index);
            let Ok(media) = u8::try_from(row.index) else {
                continue;
            };
            if let Some(outcome) = closed.call.fax_outcome(media) {
                self.tell_outcome(&closed.call, &outcome, record);
            }
            record.streams = (closed.call.faxes.iter())
                .filter(|fax| fax.membership.media == media)
                .map(|fax| self.fax_stream(fax))
                .collect();
        }
    }

    fn tell_outcome(&self, call: &Call, outcome: &FaxOutcome<'_>, record: &mut FaxRecord) {
        let name = |side: Side| side.name().to_owned();
        let [caller, callee] = outcome.identities.map(|own| own.map(str::to_owned));
        let point = call.first.capture_point;
        record.result = outcome.result.name().to_owned();
        record.reason.clone_from(&outcome.reason);
        record.sender = outcome.sender.map(name);
        (record.caller_identity, record.callee_identity) = (caller, callee);
        record.pages_sent = outcome.pages_sent;
        record.pages_confirmed = outcome.pages_confirmed;
        record.pages_refused = outcome.pages_refused;
        record.trainings_failed = outcome.trainings_failed;
        record.bit_rate = outcome.command.map(|own| own.bit_rate);
        record.error_correction_mode = outcome.command.map(|own| own.error_correction);
        record.resolution = (outcome.command).map(|own| own.resolution.name().to_owned());
        record.disconnected_by = outcome.disconnected_by.map(name);
        record.signals = (outcome.said.iter())
            .map(|(by, event)| FaxSignalRecord {
                at: self.stamp(point, event.at),
                by: name(*by),
                signal: signal(event),
            })
            .collect();
    }

    fn fax_stream(&self, fax: &FaxStream) -> FaxStreamRecord {
        let point = fax.first.capture_point;
        let sequence = &fax.sequence;
        let (expected, lost) = (sequence.expected(), sequence.lost());
        FaxStreamRecord {
            by: fax.by().name().to_owned(),
            src_ip: fax.flow.src.ip.to_string(),
            src_port: fax.flow.src.port,
            dst_ip: fax.flow.dst.ip.to_string(),
            dst_port: fax.flow.dst.port,
            capture_point: self.place_of(point),
            frame: fax.first.number,
            started: self.stamp(point, fax.first.timestamp),
            ended: self.stamp(point, fax.last),
            packets: fax.packets,
            expected,
            lost,
            recovered: sequence.recovered,
            unrecovered: sequence.unrecovered(),
            loss_percent: (expected > 0).then(|| rounded(lost as f64 * 100.0 / expected as f64, 3)),
            duplicates: sequence.duplicates,
            out_of_order: sequence.out_of_order,
            malformed: fax.malformed,
            redundancy: fax.redundancy,
            parity: fax.has_parity,
            bad_frames: fax.bad_frames,
            association: fax.membership.association.name().to_owned(),
        }
    }
}

/// What was heard, as T.30 and T.38 name it.
fn signal(event: &FaxEvent) -> String {
    match &event.what {
        FaxSaid::Indicator(number) => Ifp::indicator_name(*number).to_owned(),
        FaxSaid::Frame(frame) => match frame.after {
            Some(after) => format!("{}-{}", frame.signal.name(), after.name()),
            None => Signal::name(frame.signal).to_owned(),
        },
    }
}
