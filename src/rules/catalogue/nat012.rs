//! One host has several outside addresses at the same time.
//!
//! The NAT picks from its pool for each session (REQ-2 asks for one address a host). Media
//! then come from another address than the signalling says, and filters keep them out.
//!
//! Fix: paired address pooling at the NAT; several up-links need one policy a host.

use crate::nat::ports::pooling;
use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "NAT012",
    name: "ip-pooling-arbitrary",
    severity: Severity::Warning,
    rfc: "RFC 4787",
    section: "4.1",
    source: include_str!("nat012.rs"),
    flags: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000
         10 A:4001>P:3478 stun request id=2
         15 P:3478>A:4001 stun success id=2 mapped=T:7001"],
    accepts: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000
         10 A:4000>Q:3478 stun request id=2
         15 Q:3478>A:4000 stun success id=2 mapped=R:7000"],
    check: Check::Nat(check),
    ..Rule::BASE
};

fn check(survey: &Survey<'_>, found: &mut NatFindings) {
    for surveyed in &survey.devices {
        let Some((a, b)) = pooling(&surveyed.device) else {
            continue;
        };
        found.add(
            &surveyed.device,
            "arbitrary",
            format!(
                "{} is {} and {} at once",
                a.inside.ip, a.outside.ip, b.outside.ip
            ),
            0.95,
        );
        for own in [a, b] {
            found.because(own.first, format!("{} is {}", own.inside, own.outside));
        }
    }
}
