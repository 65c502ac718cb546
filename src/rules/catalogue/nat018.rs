//! One inside endpoint has two outside endpoints toward the same remote, without a silence
//! between.
//!
//! The behaviour must not change by itself (REQ-11). The NAT was restarted, another took
//! over, or two of its bindings clashed.
//!
//! Fix: look at the NAT's log; restart calls that were up.

use crate::nat::device::shows_mapping;
use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "NAT018",
    name: "inconsistent-mapping",
    severity: Severity::Warning,
    rfc: "RFC 4787",
    section: "8",
    source: include_str!("nat018.rs"),
    flags: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000
         1000 A:4000>P:3478 stun request id=2
         1005 P:3478>A:4000 stun success id=2 mapped=R:7009"],
    accepts: &[
        "0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000
         10 A:4000>Q:3478 stun request id=2
         15 Q:3478>A:4000 stun success id=2 mapped=R:7000",
        "0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000
         10 A:4000>P:3479 stun request id=2
         15 P:3479>A:4000 stun success id=2 mapped=R:7001",
    ],
    check: Check::Nat(check),
    ..Rule::BASE
};

fn check(survey: &Survey<'_>, found: &mut NatFindings) {
    for surveyed in &survey.devices {
        let own: Vec<_> = surveyed
            .device
            .bindings
            .iter()
            .filter(|own| shows_mapping(own))
            .collect();
        let twice = own.iter().enumerate().find_map(|(place, a)| {
            let b = own.iter().skip(place + 1).find(|b| {
                (a.transport, a.inside, a.remote) == (b.transport, b.inside, b.remote)
                    && a.outside != b.outside
                    && a.remote.is_some()
                    && a.remote
                        .is_some_and(|remote| !surveyed.device.outside_ips.contains(&remote.ip))
                    && b.first.timestamp.since(a.last) < 30 * SECOND
            });
            Some((**a, **b?))
        });
        let Some((a, b)) = twice else { continue };
        let Some(remote) = a.remote else { continue };
        found.add(
            &surveyed.device,
            "inconsistent",
            format!(
                "{} is {} and then {} for {remote}",
                a.inside, a.outside, b.outside
            ),
            0.8,
        );
        for own in [a, b] {
            found.because(own.first, format!("{} is {}", own.inside, own.outside));
        }
    }
}
