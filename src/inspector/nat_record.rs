//! NATs as records, when the capture ends.

use super::Inspector;
use super::scribe::Scribe;
use crate::engine::limits::Limit;
use crate::engine::nat::{Binding, Contact};
use crate::nat::contacts::Contacts;
use crate::nat::survey::Survey;
use crate::net::{Endpoint, Flow, Transport};
use crate::report::{NatEvidence, NatFindingRecord, NatMappingRecord, Record, rounded};
use crate::rules::{self, NatFinding};

impl Inspector {
    /// The translation table and the verdicts.
    pub(super) fn tell_nats(&mut self) {
        let usage = std::mem::take(&mut self.nat_usage);
        if usage.missed > 0 {
            self.engine.reached(Limit::NatNotes);
        }
        let survey = Survey::new(self.engine.nat_facts(), &usage);
        let mut findings = rules::judge_nats(&survey, self.scribe.config.profile);
        findings.extend(self.nat_notes.iter().cloned());
        findings.sort_by_key(|own| own.rule.code);
        let mut rows = Vec::new();
        for device in &survey.devices {
            for binding in &device.device.bindings {
                rows.push(
                    self.scribe
                        .nat_mapping(binding, &survey.contacts, rows.len() + 1),
                );
            }
        }
        let findings: Vec<NatFindingRecord> = findings
            .into_iter()
            .zip(1..)
            .map(|(finding, number)| self.scribe.nat_finding(finding, number))
            .collect();
        let rows = rows
            .into_iter()
            .map(|row| Record::NatMapping(Box::new(row)));
        self.records.extend(rows);
        let findings = findings
            .into_iter()
            .map(|finding| Record::NatFinding(Box::new(finding)));
        self.records.extend(findings);
    }
}

impl Scribe {
    fn nat_mapping(
        &self,
        binding: &Binding,
        contacts: &Contacts,
        number: usize,
    ) -> NatMappingRecord {
        let point = binding.first.capture_point;
        let both = |own: Endpoint| {
            let Some(remote) = binding.remote else {
                return (0, 0);
            };
            let flow = Flow {
                src: own,
                dst: remote,
                transport: binding.transport,
            };
            let out = contacts.of(flow).map(|own| own.packets).max();
            // What is sent to an inside address from outside gets nowhere: it
            // counts where the host's own packets pass.
            let here = |came: &&Contact| {
                let mut own = contacts.from(own);
                own.any(|own| own.capture_point == came.capture_point)
            };
            let back = contacts.of(flow.reversed()).filter(here);
            let back = back.map(|own| own.packets).max();
            (out.unwrap_or(0), back.unwrap_or(0))
        };
        // Inside where that was captured, else as it is outside.
        let counted = match both(binding.inside) {
            (0, 0) => both(binding.outside),
            inside => inside,
        };
        let counted = Some(counted)
            .filter(|_| binding.transport == Transport::Udp && binding.remote.is_some());
        let last = binding.remote.and_then(|remote| {
            let flow = Flow {
                src: binding.inside,
                dst: remote,
                transport: binding.transport,
            };
            let out = contacts.of(flow).map(|own| own.last);
            let back = contacts.of(flow.reversed()).filter(|came| {
                let mut own = contacts.from(binding.inside);
                own.any(|own| own.capture_point == came.capture_point)
            });
            out.chain(back.map(|own| own.last)).max()
        });
        NatMappingRecord {
            id: format!("nat-mapping-{number}"),
            protocol: binding.transport.name().to_owned(),
            inside_ip: binding.inside.ip.to_string(),
            inside_port: binding.inside.port,
            outside_ip: binding.outside.ip.to_string(),
            outside_port: binding.outside.port,
            remote_ip: binding.remote.map(|remote| remote.ip.to_string()),
            remote_port: binding.remote.map(|remote| remote.port),
            first: self.stamp(point, binding.first.timestamp),
            last: self.stamp(point, last.unwrap_or(binding.last).max(binding.last)),
            packets_out: counted.map(|(out, _)| out),
            packets_in: counted.map(|(_, back)| back),
            learned_by: binding
                .learned
                .iter()
                .map(|(how, _)| how.name().to_owned())
                .collect(),
            confidence: rounded(binding.confidence(), 4),
        }
    }

    fn nat_finding(&self, finding: NatFinding, number: u64) -> NatFindingRecord {
        NatFindingRecord {
            id: format!("nat-finding-{number}"),
            code: finding.rule.code.to_owned(),
            name: finding.rule.name.to_owned(),
            severity: finding.severity.name().to_owned(),
            subject: finding.subject,
            value: finding.value,
            values: finding.values,
            message: match finding.more {
                0 => finding.message,
                more => format!("{} (and {more} more of the kind)", finding.message),
            },
            confidence: rounded(finding.confidence, 4),
            evidence: finding
                .evidence
                .into_iter()
                .map(|(at, says)| NatEvidence {
                    file: self.file_of(at.file, at.capture_point),
                    frame: at.number,
                    says,
                })
                .collect(),
        }
    }
}
