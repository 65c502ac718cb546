//! A host is behind two NATs in a row.
//!
//! What the first translates to is itself an inside address of a second one. Bindings live
//! as long as the shorter of both allows, and ports forwarded at the first reach nobody.
//!
//! Fix: put the first one in bridge mode, or use TURN.

use crate::nat::device::Realm;
use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "NAT007",
    name: "double-nat",
    severity: Severity::Warning,
    rfc: "RFC 4787",
    section: "4.4",
    source: include_str!("nat007.rs"),
    flags: &["0 A:4000>P:3478 stun request id=1 ttl=64
         1 X:5000>P:3478 stun request id=1 ttl=63
         2 R:7000>P:3478 stun request id=1 ttl=62"],
    accepts: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000"],
    check: Check::Nat(check),
    ..Rule::BASE
};

fn check(survey: &Survey<'_>, found: &mut NatFindings) {
    let between = survey.devices.iter();
    for inner in between.filter(|own| own.device.realm != Realm::Global) {
        let outer = survey.devices.iter().find(|own| {
            own.device
                .inside_ips
                .iter()
                .any(|ip| inner.device.outside_ips.contains(ip))
        });
        let Some(outer) = outer else {
            continue;
        };
        let Some(first) = inner.device.bindings.first() else {
            continue;
        };
        found.add(
            &inner.device,
            "double-nat",
            format!("{} is itself behind {}", inner.device, outer.device),
            0.95,
        );
        found.because(
            first.first,
            format!("{} is {}", first.inside, first.outside),
        );
        if let Some(second) = outer.device.bindings.first() {
            found.because(
                second.first,
                format!("{} is {}", second.inside, second.outside),
            );
        }
    }
}
