//! Addresses that a carrier shares among its customers are on the way.
//!
//! 100.64.0.0/10 lies between a customer's router and the carrier's NAT; overlay networks use
//! it too. Nobody outside can reach such a host first.
//!
//! Fix: a relay for media (TURN), or IPv6 on both sides.

use crate::nat::device::Realm;
use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};
use std::collections::BTreeSet;

pub(super) const RULE: Rule = Rule {
    code: "NAT008",
    name: "carrier-grade-nat",
    severity: Severity::Info,
    rfc: "RFC 6598",
    section: "4",
    source: include_str!("nat008.rs"),
    flags: &["0 A:4000>P:3478 stun request id=1 ttl=64
         1 X:5000>P:3478 stun request id=1 ttl=63
         2 R:7000>P:3478 stun request id=1 ttl=62"],
    accepts: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000"],
    check: Check::Nat(check),
    ..Rule::BASE
};

fn check(survey: &Survey<'_>, found: &mut NatFindings) {
    let mut told = BTreeSet::new();
    for binding in survey.facts.bindings() {
        for end in [binding.inside, binding.outside] {
            if Realm::of(end.ip) == Realm::Shared && told.insert(end.ip) {
                found.add(
                    end.ip,
                    "cgn",
                    format!(
                        "{} is an address that carriers share among customers",
                        end.ip
                    ),
                    0.9,
                );
                found.because(
                    binding.first,
                    format!("{} is {}", binding.inside, binding.outside),
                );
            }
        }
    }
}
