//! Which inside endpoints a NAT shows as which outside ones.
//!
//! The rows stand in `nat_mappings`: inside, outside, remote, and how each was learned.
//!
//! Fix: nothing; the rows are there to look things up.

use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "NAT017",
    name: "translation-table",
    severity: Severity::Info,
    rfc: "RFC 2663",
    section: "4.1",
    source: include_str!("nat017.rs"),
    flags: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000"],
    accepts: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=A:4000"],
    check: Check::Nat(check),
    ..Rule::BASE
};

fn check(survey: &Survey<'_>, found: &mut NatFindings) {
    for surveyed in &survey.devices {
        let (rows, hosts) = (
            surveyed.device.bindings.len(),
            surveyed.device.inside_ips.len(),
        );
        found.add(
            &surveyed.device,
            &rows.to_string(),
            format!("{}: {rows} bindings of {hosts} hosts", surveyed.device),
            0.9,
        );
        for binding in surveyed.device.bindings.iter().take(4) {
            found.because(
                binding.first,
                format!("{} is {}", binding.inside, binding.outside),
            );
        }
    }
}
