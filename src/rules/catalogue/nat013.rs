//! How a NAT picks outside ports.
//!
//! Whether it keeps the inside port, counts up, or picks at random; whether even ports stay
//! even (REQ-4), and neighbours stay neighbours.
//!
//! Fix: where ports change, name the one of RTCP (a=rtcp) or share one (rtcp-mux).

use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "NAT013",
    name: "port-assignment",
    severity: Severity::Info,
    rfc: "RFC 4787",
    section: "4.2",
    source: include_str!("nat013.rs"),
    flags: &[
        "0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:4000
         10 A:4002>P:3478 stun request id=2
         15 P:3478>A:4002 stun success id=2 mapped=R:4002
         20 A:4004>P:3478 stun request id=3
         25 P:3478>A:4004 stun success id=3 mapped=R:4004
         30 A:4006>P:3478 stun request id=4
         35 P:3478>A:4006 stun success id=4 mapped=R:4006
         40 A:4008>P:3478 stun request id=5
         45 P:3478>A:4008 stun success id=5 mapped=R:4008",
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
        let Some(ports) = &surveyed.ports else {
            continue;
        };
        let value = ports.allocation.map_or("unknown", |own| own.name());
        let mut parts = vec![format!(
            "{:.0} % of {} sockets keep their port",
            ports.preserved * 100.0,
            ports.sockets
        )];
        match ports.allocation {
            Some(allocation) => parts.push(format!("ports are {}", allocation.name())),
            None => parts.push("not enough sockets to tell more".to_owned()),
        }
        for (known, yes, no) in [
            (ports.parity, "parity-kept", "parity-changed"),
            (ports.contiguity, "contiguous", "not-contiguous"),
        ] {
            if let Some(known) = known {
                parts.push(if known { yes } else { no }.to_owned());
            }
        }
        if ports.overloading {
            parts.push("two hosts share one outside port".to_owned());
        }
        let confidence = if ports.allocation.is_some() {
            0.85
        } else {
            0.0
        };
        found.add(
            &surveyed.device,
            value,
            format!("{}: {}", surveyed.device, parts.join(", ")),
            confidence,
        );
        found.values(parts);
        for binding in surveyed.device.bindings.iter().take(4) {
            found.because(
                binding.first,
                format!("{} is {}", binding.inside, binding.outside),
            );
        }
    }
}
