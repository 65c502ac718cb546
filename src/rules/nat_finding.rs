//! What is found about NATs: verdicts with what they rest on.

use super::{Rule, Severity};
use crate::nat::behavior::Evidence;
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
}

/// Verdicts of one capture.
#[derive(Debug, Default)]
pub struct NatFindings {
    pub(super) found: Vec<NatFinding>,
    pub(super) rule: Option<(&'static Rule, Severity)>,
}

/// Verdicts of one rule.
const MAX_SAME: usize = 1024;

impl NatFindings {
    /// Adds a verdict.
    pub(super) fn add(
        &mut self,
        subject: impl ToString,
        value: &str,
        message: String,
        confidence: f64,
    ) {
        let Some((rule, severity)) = self.rule else {
            return;
        };
        let same = self.found.iter().filter(|own| own.rule.code == rule.code);
        if same.count() >= MAX_SAME {
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
        });
    }

    /// Says what the last one rests on.
    pub(super) fn because(&mut self, at: PacketRef, says: impl Into<String>) {
        if let Some(last) = self.found.last_mut() {
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
        if let Some(last) = self.found.last_mut() {
            last.values = values.into_iter().collect();
        }
    }

    /// Weighs the last one otherwise than usual.
    pub(super) fn weigh(&mut self, severity: Severity) {
        if let Some(last) = self.found.last_mut() {
            last.severity = severity;
        }
    }
}
