//! What a NAT lets in to an inside endpoint that has sent to somebody.
//!
//! Endpoint-independent: packets from anybody. Address-dependent: from addresses it has sent
//! to. Address-and-port-dependent: only from endpoints it has sent to.
//!
//! Fix: nothing; techniques that send first from inside work with all three.

use crate::nat::behavior::nickname;
use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "NAT003",
    name: "filtering-behaviour",
    severity: Severity::Info,
    rfc: "RFC 4787",
    section: "5",
    source: include_str!("nat003.rs"),
    flags: &[
        "0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000 other=Q:3479
         10 A:4000>Q:3478 stun request id=2
         15 Q:3478>A:4000 stun success id=2 mapped=R:7000 other=Q:3479
         20 A:4001>P:3478 stun request id=3 change=6
         25 Q:3479>A:4001 stun success id=3 mapped=R:7001",
        "0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000",
    ],
    accepts: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=A:4000"],
    check: Check::Nat(check),
    ..Rule::BASE
};

fn check(survey: &Survey<'_>, found: &mut NatFindings) {
    for surveyed in &survey.devices {
        let left = &surveyed.filtering;
        let known = surveyed.mapping.verdict().zip(left.verdict());
        let also = known.map_or_else(String::new, |(mapping, filtering)| {
            let name = nickname(mapping, filtering);
            format!(" (with its mapping a \"{name}\" NAT)")
        });
        found.behavior(&surveyed.device, "filtering", left, &also);
    }
}
