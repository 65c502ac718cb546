//! How a NAT maps one inside endpoint toward several remotes.
//!
//! Endpoint-independent: always to the same outside endpoint, so that what one server is told
//! holds for all. Address-dependent and address-and-port-dependent: to another one for each
//! remote address, or each remote endpoint ("symmetric").
//!
//! Fix: where mappings depend on the remote, use ICE with TURN, or a relay for media.

use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "NAT002",
    name: "mapping-behaviour",
    severity: Severity::Info,
    rfc: "RFC 4787",
    section: "4.1",
    source: include_str!("nat002.rs"),
    flags: &[
        "0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000
         10 A:4000>Q:3478 stun request id=2
         15 Q:3478>A:4000 stun success id=2 mapped=R:7000",
        "0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000
         10 A:4000>P:3479 stun request id=2
         15 P:3479>A:4000 stun success id=2 mapped=R:7001",
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
        found.behavior(&surveyed.device, "mapping", &surveyed.mapping, "");
    }
}
