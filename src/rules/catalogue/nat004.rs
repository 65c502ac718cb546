//! How long a NAT keeps an unused binding.
//!
//! The longest silence that a binding outlived, and the shortest after which it was gone. At
//! least two minutes are required, five recommended.
//!
//! Fix: let the host send something (CRLF, STUN, OPTIONS) in half that time.

use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "NAT004",
    name: "binding-lifetime",
    severity: Severity::Info,
    rfc: "RFC 4787",
    section: "4.3",
    source: include_str!("nat004.rs"),
    flags: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000
         40000 A:4000>P:3478 stun request id=2
         40005 P:3478>A:4000 stun success id=2 mapped=R:7000
         100000 A:4000>P:3478 stun request id=3
         100005 P:3478>A:4000 stun success id=3 mapped=R:7005"],
    accepts: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000"],
    check: Check::Nat(check),
    ..Rule::BASE
};

fn check(survey: &Survey<'_>, found: &mut NatFindings) {
    for surveyed in &survey.devices {
        let dead = surveyed.expiries.iter().min_by_key(|own| own.idle_ns);
        let bindings = surveyed.device.bindings.iter().filter(|own| {
            own.outlived_ns > 0 && dead.is_none_or(|dead| own.outlived_ns < dead.idle_ns)
        });
        let alive = bindings.max_by_key(|own| own.outlived_ns);
        let seconds = |ns: i64| ns / SECOND;
        let text = match (alive, dead) {
            (None, None) => continue,
            (Some(alive), None) => format!("a binding outlives {} s", seconds(alive.outlived_ns)),
            (None, Some(dead)) => format!("a binding is gone after {} s", seconds(dead.idle_ns)),
            (Some(alive), Some(dead)) => format!(
                "a binding outlives {} s and is gone after {} s",
                seconds(alive.outlived_ns),
                seconds(dead.idle_ns)
            ),
        };
        let value = format!(
            "({}, {}]",
            alive.map_or(0, |own| seconds(own.outlived_ns)),
            dead.map_or_else(|| "?".to_owned(), |own| seconds(own.idle_ns).to_string())
        );
        found.add(
            &surveyed.device,
            &value,
            format!("{}: {text}", surveyed.device),
            0.8,
        );
        if let Some(alive) = alive {
            let says = format!("{} stays {}", alive.inside, alive.outside);
            found.because(alive.first, says);
        }
        if let Some(dead) = dead {
            found.because(
                dead.at,
                format!("{} changes toward {}", dead.inside, dead.remote),
            );
            if dead.idle_ns <= 120 * SECOND {
                found.weigh(Severity::Warning);
            }
        }
    }
}
