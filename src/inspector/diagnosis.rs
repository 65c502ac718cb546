//! What the rules find, as records.

use super::Inspector;
use super::case::{Ended, Moment};
use super::scribe::Scribe;
use crate::engine::call::ClosedCall;
use crate::engine::frames::Frames;
use crate::engine::limits::{Limit, Limits};
use crate::net::Endpoint;
use crate::octets;
use crate::report::{CallRecord, DiagnosticRecord, MediaRecord, QuoteRecord, Record, Subject};
use crate::rules::{self, Attempt, Finding, MediaFact, NatFinding, Severity};

/// Findings about NATs in calls that are told with the NATs too.
const MAX_NAT_NOTES: usize = 1024;

/// A finding as it will be told; it has no number yet.
#[derive(Debug)]
pub(super) struct Told {
    record: DiagnosticRecord,
    severity: Severity,
    /// The place of what it follows from among those told with it.
    cause: Option<usize>,
    /// What is told of it with the NATs too.
    note: Option<NatFinding>,
}

impl Scribe {
    /// Findings about one object.
    pub(super) fn diagnostics(
        &self,
        kind: &str,
        subject: &str,
        call_id: Option<&str>,
        findings: &[Finding],
        moment: Moment,
    ) -> Vec<Told> {
        let causes = rules::caused_by(findings);
        let pairs = findings.iter().zip(causes);
        pairs
            .map(|(finding, cause)| Told {
                record: self.diagnostic(kind, subject, call_id, finding, moment),
                severity: finding.severity,
                cause,
                note: nat_note(subject, finding, moment),
            })
            .collect()
    }

    fn diagnostic(
        &self,
        kind: &str,
        subject: &str,
        call_id: Option<&str>,
        finding: &Finding,
        moment: Moment,
    ) -> DiagnosticRecord {
        let rule = finding.rule;
        let mut frames = Frames::default();
        for at in &finding.evidence {
            frames.add(*at, &Limits::default());
        }
        let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        DiagnosticRecord {
            id: String::new(),
            code: rule.code.to_owned(),
            name: rule.name.to_owned(),
            severity: finding.severity.name().to_owned(),
            rfc: said(rule.rfc),
            section: said(rule.section),
            subject: Subject {
                kind: kind.to_owned(),
                id: subject.to_owned(),
            },
            party: finding.party.clone(),
            method: finding.method.clone(),
            message: match finding.more {
                0 => finding.message.clone(),
                more => format!("{} (and {more} more of the kind)", finding.message),
            },
            fix: finding.fix.clone().unwrap_or_else(|| rule.fix()),
            quote: finding.quote.as_ref().map(quoted),
            caused_by: None,
            call_id: call_id.map(str::to_owned),
            suppressed_by: None,
            points: self.points_of(&frames),
            frames: self.shorthand(&frames),
            confidence: moment.confidence(),
        }
    }
}

/// What a finding tells of NATs.
fn nat_note(subject: &str, finding: &Finding, moment: Moment) -> Option<NatFinding> {
    let evidence = finding.evidence.iter();
    finding.rule.code.starts_with("NAT").then(|| NatFinding {
        rule: finding.rule,
        severity: finding.severity,
        subject: subject.to_owned(),
        value: None,
        values: Vec::new(),
        message: finding.message.clone(),
        confidence: moment.confidence(),
        evidence: evidence.map(|at| (*at, finding.message.clone())).collect(),
        more: finding.more,
    })
}

impl Inspector {
    /// Counts a call that ended against whoever made it.
    pub(super) fn count_attempt(&mut self, ended: &Ended, moment: Moment) {
        let (caller, has_room) = self.callers.ended(&Attempt {
            source: ended.source,
            user: &ended.user,
            at: ended.at,
            status: ended.status,
        });
        if !has_room {
            self.engine.reached(Limit::Callers);
        }
        if let Some(caller) = caller {
            let findings = self
                .scribe
                .found(|profile| rules::judge_caller(&caller, profile));
            self.diagnose("host", &caller.source.to_string(), None, &findings, moment);
        }
    }

    /// Tells findings about one object; hands back their ids.
    pub(super) fn diagnose(
        &mut self,
        kind: &str,
        subject: &str,
        call_id: Option<&str>,
        findings: &[Finding],
        moment: Moment,
    ) -> Vec<String> {
        let told = self
            .scribe
            .diagnostics(kind, subject, call_id, findings, moment);
        self.number(told)
    }

    /// Numbers findings and tells them; hands back their ids.
    pub(super) fn number(&mut self, told: Vec<Told>) -> Vec<String> {
        let first = self.diagnostics + 1;
        let id_of = |place: usize| format!("diagnostic-{}", first + place as u64);
        let ids: Vec<String> = (0..told.len()).map(id_of).collect();
        for (own, id) in told.into_iter().zip(&ids) {
            let mut record = own.record;
            record.id.clone_from(id);
            record.caused_by = own.cause.map(id_of);
            let counts = &mut self.severities;
            match own.severity {
                Severity::Error => counts.error += 1,
                Severity::Warning => counts.warning += 1,
                Severity::Info => counts.info += 1,
            }
            self.diagnostics += 1;
            let note = own.note.filter(|_| self.nat_notes.len() < MAX_NAT_NOTES);
            self.nat_notes.extend(note);
            self.records.push_back(Record::Diagnostic(Box::new(record)));
        }
        ids
    }
}

pub(super) fn media_fact(media: &MediaRecord) -> MediaFact {
    let nanoseconds = |text: &Option<String>| {
        let at: jiff::Timestamp = text.as_ref()?.parse().ok()?;
        i64::try_from(at.as_nanosecond()).ok()
    };
    let address =
        |ip: &Option<String>, port: Option<u16>| Some(format!("{}:{}", ip.as_ref()?, port?));
    MediaFact {
        kind: media.kind.clone(),
        audio: media.audio.clone(),
        reason: media.audio_reason.clone(),
        is_ice: media.ice,
        caller: address(&media.caller_ip, media.caller_port),
        callee: address(&media.callee_ip, media.callee_port),
        icmp_errors: media.icmp_errors,
        lasted_ns: nanoseconds(&media.until)
            .zip(nanoseconds(&media.from))
            .map_or(0, |(until, from)| until.saturating_sub(from)),
    }
}

/// The role of an address in a call, where it has one alone.
pub(super) fn role(record: &CallRecord, closed: &ClosedCall, party: String) -> String {
    let is = |ip: &Option<String>| ip.as_deref() == Some(party.as_str());
    let relays = |proxy: &Endpoint| proxy.ip.to_string() == party;
    match (is(&record.caller_ip), is(&record.callee_ip)) {
        (true, false) => "caller".to_owned(),
        (false, true) => "callee".to_owned(),
        (false, false) if closed.proxies.iter().any(relays) => "proxy".to_owned(),
        _ => party,
    }
}

/// A quoted line as text; the part that is meant is counted in characters.
fn quoted(quote: &rules::Quote) -> QuoteRecord {
    let (before, rest) = quote.line.split_at(quote.at.min(quote.line.len()));
    let (part, after) = rest.split_at(quote.length.min(rest.len()));
    let [before, part, after] = [before, part, after].map(octets::text);
    QuoteRecord {
        at: before.chars().count() as u64,
        length: part.chars().count() as u64,
        line: format!("{before}{part}{after}"),
    }
}
