//! What is found about NATs: verdicts with what they rest on.

use super::{Rule, Severity};
use crate::nat::behavior::{Dependence, Elimination, Evidence};
use crate::nat::device::Device;
use crate::packet::PacketRef;

/// A verdict about a NAT, a host behind one, or a way through.
#[derive(Clone, Debug)]
pub struct NatFinding {
    /// By which rule.
    pub rule: &'static Rule,
    /// How much it weighs under the profile.
    pub severity: Severity,
    /// Whom it is about: an address, or a NAT by its outside addresses.
    pub subject: String,
    /// The verdict for machines.
    pub value: Option<String>,
    /// All parts of it, where there are several.
    pub values: Vec<String>,
    /// The verdict for people.
    pub message: String,
    /// 0 to 1.
    pub confidence: f64,
    /// What it rests on.
    pub evidence: Vec<(PacketRef, String)>,
    /// More of the same, for which there was no room.
    pub more: u64,
}

/// Verdicts of one capture.
#[derive(Debug, Default)]
pub struct NatFindings {
    pub(super) found: Vec<NatFinding>,
    pub(super) rule: Option<(&'static Rule, Severity)>,
    is_added: bool,
}

/// Verdicts of one rule.
const MAX_SAME: usize = 1024;

impl NatFindings {
    /// Adds a verdict; only so many of a rule are kept, and the last one says
    /// how many more there are.
    pub(super) fn add(
        &mut self,
        subject: impl ToString,
        value: &str,
        message: String,
        confidence: f64,
    ) {
        self.is_added = false;
        let Some((rule, severity)) = self.rule else {
            return;
        };
        let same = self.found.iter().filter(|own| own.rule.code == rule.code);
        if same.count() >= MAX_SAME {
            let mut known = self.found.iter_mut();
            if let Some(last) = known.rfind(|own| own.rule.code == rule.code) {
                last.more = last.more.saturating_add(1);
            }
            return;
        }
        self.found.push(NatFinding {
            rule,
            severity,
            subject: subject.to_string(),
            value: Some(value.to_owned()).filter(|value| !value.is_empty()),
            values: Vec::new(),
            message,
            confidence,
            evidence: Vec::new(),
            more: 0,
        });
        self.is_added = true;
    }

    /// Adds how a NAT behaves, as far as observations leave it; `also` says more
    /// of the verdict.
    pub(super) fn behavior(
        &mut self,
        device: &Device<'_>,
        what: &str,
        left: &Elimination,
        also: &str,
    ) {
        let (value, text, confidence) = match left.verdict() {
            Some(verdict) => {
                let text = format!("its {what} is {}{also}", verdict.name());
                (verdict.name(), text, left.confidence())
            }
            None if left.is_contradictory() => {
                let text = format!("its {what} changes: observations contradict each other");
                ("unknown", text, 0.0)
            }
            None => ("unknown", format!("not enough evidence of its {what}"), 0.0),
        };
        self.add(device, value, format!("{device}: {text}"), confidence);
        let possible = Dependence::ALL
            .into_iter()
            .filter(|kind| !left.excludes(*kind));
        self.values(possible.map(|kind| kind.name().to_owned()));
        self.evidence(&left.evidence);
    }

    /// The last one, unless there was no room for it.
    fn last(&mut self) -> Option<&mut NatFinding> {
        let is_added = self.is_added;
        self.found.last_mut().filter(|_| is_added)
    }

    /// Says what the last one rests on.
    pub(super) fn because(&mut self, at: PacketRef, says: impl Into<String>) {
        if let Some(last) = self.last() {
            last.evidence.push((at, says.into()));
        }
    }

    /// The same, all of it.
    pub(super) fn evidence(&mut self, evidence: &Evidence) {
        for (at, says) in &evidence.says {
            self.because(*at, says.clone());
        }
    }

    /// Names the parts of the last one.
    pub(super) fn values(&mut self, values: impl IntoIterator<Item = String>) {
        if let Some(last) = self.last() {
            last.values = values.into_iter().collect();
        }
    }

    /// Weighs the last one otherwise than usual.
    pub(super) fn weigh(&mut self, severity: Severity) {
        if let Some(last) = self.last() {
            last.severity = severity;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::find;

    #[test]
    fn what_has_no_room_changes_nothing_that_has() {
        let rule = find("NAT001").expect("a rule");
        let mut found = NatFindings {
            rule: Some((rule, Severity::Info)),
            ..NatFindings::default()
        };
        let add = |found: &mut NatFindings, number: usize| {
            found.add(number, "x", String::new(), 1.0);
            found.because(PacketRef::default(), number.to_string());
            found.values([number.to_string()]);
        };
        for number in 0..=MAX_SAME {
            add(&mut found, number);
        }
        // Nor does a rule that is switched off.
        found.rule = None;
        add(&mut found, MAX_SAME + 1);
        let last = found.found.last().expect("one");
        assert_eq!(found.found.len(), MAX_SAME);
        assert_eq!(last.values, [last.subject.as_str()]);
        assert_eq!((last.evidence.len(), last.more), (1, 1));
    }
}
