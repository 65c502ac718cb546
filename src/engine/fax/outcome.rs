//! What became of a fax, by what both machines said (ITU-T T.30).

use std::collections::VecDeque;

use super::{FaxEvent, FaxSaid, FaxStream};
use crate::engine::call::Call;
use crate::engine::session::Side;
use crate::packet::CapturePoint;
use crate::t38::{Ifp, Signal, T30Frame, t30::Command};

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

/// How often a machine asks before it gives up (ITU-T T.30, 5.4).
const ATTEMPTS: u32 = 3;

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

/// The pages of a fax, as both sides speak of them.
#[derive(Debug, Default)]
struct Pages {
    sent: u32,
    confirmed: u32,
    refused: u32,
    /// Whether the last page came.
    is_complete: bool,
    /// Ends of pages that wait for their answer, and whether an answer came before.
    asked: VecDeque<(Signal, bool)>,
    /// An answer whose time is not known, and whose question may come later.
    early: Option<Signal>,
    /// How the last page ended.
    last: Option<Signal>,
    /// Who trained since: another page is on its way.
    trained: Option<Side>,
}

impl Pages {
    /// The sender says that a page is over; again, where nothing was sent in between.
    fn over(&mut self, by: Side, signal: Signal) {
        let is_same = self.last == Some(signal) && self.trained != Some(by);
        let is_new = self.sent == 0 || !is_same;
        (self.last, self.trained) = (Some(signal), None);
        if is_new {
            self.sent += 1;
            self.asked.push_back((signal, false));
        } else if let Some((last, _)) = self.asked.back_mut() {
            *last = signal;
        } else {
            self.asked.push_back((signal, true));
        }
        if let Some(answer) = self.early.take() {
            self.answer(answer, false);
        }
    }

    /// The receiver answers.
    fn answer(&mut self, answer: Signal, is_recovered: bool) {
        let is_refusal = matches!(answer, Signal::Rtn | Signal::Pin);
        if !(is_refusal || answer.confirms_page() || answer == Signal::Ppr) {
            return;
        }
        let Some((page, is_known)) = self.asked.pop_front() else {
            self.early = is_recovered.then_some(answer);
            return;
        };
        match answer {
            // Parts of it come again; it is not over.
            Signal::Ppr => self.sent = self.sent.saturating_sub(1),
            _ if is_refusal => self.refused += u32::from(!is_known),
            _ => {
                self.confirmed += u32::from(!is_known);
                self.is_complete = matches!(page, Signal::Eop | Signal::PriEop);
            }
        }
    }
}

impl<'a> FaxOutcome<'a> {
    /// Follows what was said; `is_whole` where all of it can have been read.
    fn follow(&mut self, is_whole: bool, call_stands: bool) {
        let mut pages = Pages::default();
        // The last that asks or answers, and how often it was said.
        let mut last: Option<(Side, Signal)> = None;
        let mut times = 0;
        let said = std::mem::take(&mut self.said);
        for &(by, event) in &said {
            let frame = match &event.what {
                FaxSaid::Frame(frame) => frame,
                FaxSaid::Indicator(number) => {
                    if Ifp::is_training(*number) {
                        pages.trained = Some(by);
                    }
                    continue;
                }
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
                pages.over(by, over);
            } else if self.sender != Some(by) {
                pages.answer(frame.signal, event.is_recovered);
            }
            if !frame.signal.goes_along() {
                let again = last == Some((by, frame.signal));
                times = if again { times + 1 } else { 1 };
                last = Some((by, frame.signal));
            }
        }
        self.said = said;
        (self.pages_sent, self.pages_confirmed) = (pages.sent, pages.confirmed);
        self.pages_refused = pages.refused;
        let is_over = self.disconnected_by.is_some() || !call_stands;
        // What is lost last leaves no gap: a question counts as without an answer where it was
        // asked as often as T.30 wants, or the other side hung up.
        let is_told = last.is_some_and(|(by, signal)| {
            signal.answers() || times >= ATTEMPTS || self.disconnected_by == Some(by.other())
        });
        self.result = match (pages.is_complete, last) {
            (true, _) => FaxResult::Complete,
            (false, Some(_)) if is_whole && is_over && is_told && self.missed == 0 => {
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
