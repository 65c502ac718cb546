//! What became of a fax, by what both machines said (ITU-T T.30).

use super::{FaxEvent, FaxSaid, FaxStream};
use crate::engine::call::Call;
use crate::engine::session::Side;
use crate::packet::CapturePoint;
use crate::t38::{Signal, T30Frame, t30::Command};

/// A fax, from both of its directions.
#[derive(Debug, Default)]
pub struct FaxOutcome<'a> {
    /// Who sends pages.
    pub sender: Option<Side>,
    /// What was said, by whom, in the order in which it passed.
    pub said: Vec<(Side, &'a FaxEvent)>,
    /// The numbers set in the machines: the caller's, the callee's.
    pub identities: [Option<&'a str>; 2],
    /// How pages were sent, in the end.
    pub command: Option<Command>,
    /// Pages that the sender said were over.
    pub pages_sent: u32,
    /// Pages that the receiver said it has.
    pub pages_confirmed: u32,
    /// Pages that the receiver wants again.
    pub pages_refused: u32,
    /// How often the receiver could not read the training.
    pub trainings_failed: u32,
    /// Who hung up, as a machine.
    pub disconnected_by: Option<Side>,
    /// Packets whose content is not known.
    pub missed: u64,
    /// What became of it.
    pub result: FaxResult,
    /// Why, where it did not get through.
    pub reason: Option<String>,
}

/// What became of a fax.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaxResult {
    /// All pages came.
    Complete,
    /// Some pages came.
    Partial,
    /// No page came.
    Failed,
    /// The capture does not tell.
    #[default]
    Unknown,
}

impl FaxResult {
    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl Call {
    /// What became of the fax of medium `media`; `None` where there was none. Of several
    /// capture points the one that heard most tells.
    #[must_use]
    pub fn fax_outcome(&self, media: u8) -> Option<FaxOutcome<'_>> {
        let own = || {
            self.faxes
                .iter()
                .filter(move |fax| fax.membership.media == media)
        };
        let heard_at = |point: CapturePoint| -> usize {
            own()
                .filter(|fax| fax.first.capture_point == point)
                .map(|fax| fax.said.len())
                .sum()
        };
        let point = own()
            .map(|fax| fax.first.capture_point)
            .max_by_key(|point| (heard_at(*point), std::cmp::Reverse(*point)))?;
        // A relay shows both its legs.
        let best = |side: Side| {
            own()
                .filter(|fax| fax.first.capture_point == point && fax.by() == side)
                .max_by_key(|fax| fax.said.len())
        };
        let ways: Vec<&FaxStream> = [Side::Caller, Side::Callee]
            .into_iter()
            .filter_map(best)
            .collect();
        let mut outcome = FaxOutcome {
            said: ways
                .iter()
                .flat_map(|fax| fax.said.iter().map(|event| (fax.by(), event)))
                .collect(),
            missed: ways.iter().map(|fax| fax.missed).sum(),
            ..FaxOutcome::default()
        };
        outcome.said.sort_by_key(|(_, event)| event.at);
        let is_whole = ways.len() == 2 && !ways.iter().any(|fax| fax.is_v34);
        outcome.follow(is_whole, self.is_up());
        Some(outcome)
    }
}

impl<'a> FaxOutcome<'a> {
    /// Follows what was said; `is_whole` where all of it can have been read.
    fn follow(&mut self, is_whole: bool, call_stands: bool) {
        // What the sender asked of the page that is over, until it is answered.
        let mut asked: Option<Signal> = None;
        let mut last: Option<(Side, Signal)> = None;
        let mut is_complete = false;
        let said = std::mem::take(&mut self.said);
        for &(by, event) in &said {
            let FaxSaid::Frame(frame) = &event.what else {
                continue;
            };
            self.note(by, frame);
            let over = match frame.signal {
                Signal::Pps => frame.after,
                other => Some(other),
            };
            match frame.signal {
                Signal::Dcn => self.disconnected_by = self.disconnected_by.or(Some(by)),
                Signal::Ftt => self.trainings_failed += 1,
                _ => {}
            }
            if let Some(over) = over.filter(|over| over.ends_page()) {
                self.sender = Some(by);
                self.pages_sent += u32::from(asked.is_none());
                asked = Some(over);
            } else if let Some(page) = asked
                && self.sender != Some(by)
            {
                match frame.signal {
                    answer if answer.confirms_page() => {
                        self.pages_confirmed += 1;
                        is_complete = matches!(page, Signal::Eop | Signal::PriEop);
                        asked = None;
                    }
                    Signal::Rtn | Signal::Pin => {
                        self.pages_refused += 1;
                        asked = None;
                    }
                    Signal::Ppr => {
                        // Parts of it come again; it is not over.
                        self.pages_sent = self.pages_sent.saturating_sub(1);
                        asked = None;
                    }
                    _ => {}
                }
            }
            if frame.signal != Signal::Dcn {
                last = Some((by, frame.signal));
            }
        }
        self.said = said;
        let is_over = self.disconnected_by.is_some() || !call_stands;
        self.result = match (is_complete, last) {
            (true, _) => FaxResult::Complete,
            (false, Some(_)) if is_whole && is_over && self.missed == 0 => {
                match self.pages_confirmed {
                    0 => FaxResult::Failed,
                    _ => FaxResult::Partial,
                }
            }
            _ => FaxResult::Unknown,
        };
        if matches!(self.result, FaxResult::Failed | FaxResult::Partial) {
            self.reason = last.map(|last| self.why(last));
        }
    }

    fn note(&mut self, by: Side, frame: &'a T30Frame) {
        if matches!(frame.signal, Signal::Dcs | Signal::Tsi) {
            self.sender = Some(by);
        }
        let [caller, callee] = &mut self.identities;
        let identity = match by {
            Side::Caller => caller,
            Side::Callee => callee,
        };
        *identity = frame.identity.as_deref().or(*identity);
        self.command = frame.command.or(self.command);
    }

    fn why(&self, (by, signal): (Side, Signal)) -> String {
        let hung_up = match self.disconnected_by {
            Some(side) => format!("the {} hung up after", side.name()),
            None => "nothing followed".to_owned(),
        };
        let last = format!("{} of the {}", signal.name(), by.name());
        match signal {
            Signal::Ftt => format!(
                "the receiver could not read the training {} times",
                self.trainings_failed
            ),
            Signal::Rtn | Signal::Pin => format!("{last}: the page could not be read"),
            _ => format!("{hung_up} {last}"),
        }
    }
}
