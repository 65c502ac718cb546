//! What the rules find, as records, and the root of it.

use super::Inspector;
use crate::engine::call::{ClosedCall, Purpose};
use crate::engine::frames::Frames;
use crate::engine::limits::{Limit, Limits};
use crate::net::Endpoint;
use crate::octets;
use crate::report::{CallRecord, DiagnosticRecord, MediaRecord, QuoteRecord, Record, Subject};
use crate::rules::{
    self, Attempt, CallContext, CaptureFacts, Finding, MediaFact, NatFinding, Severity,
};

/// Findings about NATs in calls that are told with the NATs too.
const MAX_NAT_NOTES: usize = 1024;

impl Inspector {
    /// What is known of the capture, for rules that wait for something.
    pub(super) fn capture_facts(&self) -> CaptureFacts {
        CaptureFacts {
            until: self.engine.counters().last.unwrap_or_default(),
        }
    }

    /// Judges a call; its record then names what was found.
    pub(super) fn judge_call(&mut self, closed: &ClosedCall, record: Option<&mut CallRecord>) {
        let media = record
            .as_ref()
            .map(|record| record.media.iter().map(media_fact).collect())
            .unwrap_or_default();
        let context = CallContext::new(
            closed,
            media,
            self.capture_facts(),
            &self.config.credentials,
        );
        let mut findings = rules::judge_call(&context, self.config.profile);
        drop(context);
        if let Some(record) = &record {
            for finding in &mut findings {
                finding.party = finding
                    .party
                    .take()
                    .map(|party| role(record, closed, party));
            }
        }
        let subject = record
            .as_ref()
            .map_or_else(|| closed.call.call_id.clone(), |record| record.id.clone());
        let ids = self.diagnose("call", &subject, Some(&closed.call.call_id), &findings);
        let Some(record) = record else { return };
        let causes = rules::caused_by(&findings);
        // Refused for the form of what was sent.
        let went_wrong = matches!(
            record.final_status,
            Some(
                400 | 405
                    | 413
                    | 415
                    | 416
                    | 420
                    | 421
                    | 481
                    | 482
                    | 488
                    | 493
                    | 494
                    | 500
                    | 501
                    | 505
                    | 513
                    | 580
                    | 606
            )
        );
        record.root_cause =
            rules::root_of(&findings, &causes, went_wrong).and_then(|root| ids.get(root).cloned());
        for symptom in findings.iter().filter_map(|finding| finding.rule.symptom) {
            if !record.symptoms.iter().any(|known| known == symptom) {
                record.symptoms.push(symptom.to_owned());
            }
        }
        record.diagnostics = ids;
    }

    /// Counts a call that ended against whoever made it.
    pub(super) fn count_attempt(&mut self, closed: &ClosedCall, status: Option<u16>) {
        let call = &closed.call;
        let mut setups = call.exchanges.iter();
        let setup = setups.find(|own| own.purpose == Purpose::Setup);
        let user = call.opening.to.as_ref().and_then(|to| to.user.as_deref());
        let (Some(setup), Some(status)) = (setup, status) else {
            return;
        };
        let (caller, has_room) = self.callers.ended(&Attempt {
            source: setup.flow.src.ip,
            user: call
                .opening
                .request_uri
                .as_deref()
                .or(user)
                .unwrap_or_default(),
            at: setup.first,
            status,
        });
        if !has_room {
            self.engine.reached(Limit::Callers);
        }
        if let Some(caller) = caller {
            let findings = rules::judge_caller(&caller, self.config.profile);
            self.diagnose("host", &caller.source.to_string(), None, &findings);
        }
    }

    /// Judges a message that names no Call-ID.
    pub(super) fn judge_stray(&mut self, closed: &ClosedCall) {
        let context = CallContext::new(
            closed,
            Vec::new(),
            self.capture_facts(),
            &self.config.credentials,
        );
        let findings = rules::judge_call(&context, self.config.profile);
        drop(context);
        self.diagnose("message", "", None, &findings);
    }

    /// Tells findings about one object; hands back their ids.
    pub(super) fn diagnose(
        &mut self,
        kind: &str,
        subject: &str,
        call_id: Option<&str>,
        findings: &[Finding],
    ) -> Vec<String> {
        // Where packets are known to be missing, one that would have told
        // otherwise may be among them.
        let counters = self.engine.counters();
        let is_lossy = counters.stream_octets_missing > 0
            || counters.truncated_messages > 0
            || self.points.iter().any(|point| point.dropped > Some(0));
        let confidence = if is_lossy { 0.5 } else { 0.9 };
        let first = self.diagnostics + 1;
        let id_of = |place: usize| format!("diagnostic-{}", first + place as u64);
        for (place, (finding, cause)) in findings.iter().zip(rules::caused_by(findings)).enumerate()
        {
            let rule = finding.rule;
            let mut frames = Frames::default();
            for at in &finding.evidence {
                frames.add(*at, &Limits::default());
            }
            let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            let counts = &mut self.severities;
            match finding.severity {
                Severity::Error => counts.error += 1,
                Severity::Warning => counts.warning += 1,
                Severity::Info => counts.info += 1,
            }
            self.diagnostics += 1;
            if rule.code.starts_with("NAT") && self.nat_notes.len() < MAX_NAT_NOTES {
                self.nat_notes.push(NatFinding {
                    rule,
                    severity: finding.severity,
                    subject: subject.to_owned(),
                    value: None,
                    values: Vec::new(),
                    message: finding.message.clone(),
                    confidence,
                    evidence: finding
                        .evidence
                        .iter()
                        .map(|at| (*at, finding.message.clone()))
                        .collect(),
                    more: finding.more,
                });
            }
            let record = DiagnosticRecord {
                id: id_of(place),
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
                caused_by: cause.map(id_of),
                call_id: call_id.map(str::to_owned),
                suppressed_by: None,
                points: self.points(&frames),
                frames: self.shorthand(&frames),
                confidence,
            };
            self.records.push_back(Record::Diagnostic(Box::new(record)));
        }
        (0..findings.len()).map(id_of).collect()
    }
}

fn media_fact(media: &MediaRecord) -> MediaFact {
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
fn role(record: &CallRecord, closed: &ClosedCall, party: String) -> String {
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
