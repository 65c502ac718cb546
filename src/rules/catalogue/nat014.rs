//! A NAT does not do what RFC 4787 asks of it.
//!
//! REQ-1: mappings must be endpoint-independent. REQ-2: a host should keep one outside
//! address. REQ-3: no two hosts share an outside port. REQ-4: parity should be kept.
//! REQ-5: a binding must live two minutes.
//!
//! Fix: another NAT, or ICE with TURN.

use crate::nat::behavior::Dependence;
use crate::nat::ports::pooling;
use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "NAT014",
    name: "rfc4787-nonconformance",
    severity: Severity::Warning,
    rfc: "RFC 4787",
    section: "12",
    source: include_str!("nat014.rs"),
    flags: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000
         10 A:4000>P:3479 stun request id=2
         15 P:3479>A:4000 stun success id=2 mapped=R:7001"],
    accepts: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000
         10 A:4000>Q:3478 stun request id=2
         15 Q:3478>A:4000 stun success id=2 mapped=R:7000"],
    check: Check::Nat(check),
    ..Rule::BASE
};

fn check(survey: &Survey<'_>, found: &mut NatFindings) {
    for surveyed in &survey.devices {
        let mut broken: Vec<(&str, &str)> = Vec::new();
        if surveyed.mapping.excludes(Dependence::Endpoint) && !surveyed.mapping.is_contradictory() {
            broken.push(("REQ-1", "mappings depend on the remote"));
        }
        if pooling(&surveyed.device).is_some() {
            broken.push(("REQ-2", "a host has several outside addresses"));
        }
        let ports = surveyed.ports.as_ref();
        if ports.is_some_and(|own| own.overloading) {
            broken.push(("REQ-3", "hosts share an outside port"));
        }
        if surveyed
            .expiries
            .iter()
            .any(|own| own.idle_ns < 120 * SECOND)
        {
            broken.push(("REQ-5", "bindings die within two minutes"));
        }
        let Some((_, first)) = broken.first() else {
            continue;
        };
        found.add(
            &surveyed.device,
            "nonconformant",
            format!("{}: {first}, against RFC 4787", surveyed.device),
            0.8,
        );
        found.values(
            broken
                .iter()
                .map(|(requirement, _)| (*requirement).to_owned()),
        );
        let evidence = surveyed
            .mapping
            .evidence
            .says
            .iter()
            .map(|(at, says)| (*at, says.clone()));
        let first = surveyed
            .device
            .bindings
            .iter()
            .map(|own| (own.first, format!("{} is {}", own.inside, own.outside)));
        for (at, says) in evidence.chain(first).take(4) {
            found.because(at, says);
        }
    }
}
