//! A NAT rewrites SIP messages that pass it.
//!
//! The same message has other addresses outside than inside, and nobody added a Via of its
//! own: an application layer gateway ("SIP helper") at work. Many do it in part, so that
//! headers and description disagree, or break what is signed.
//!
//! Fix: switch it off at the router, or pass it by with TLS or another port than 5060.

use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "NAT009",
    name: "sip-alg",
    severity: Severity::Warning,
    rfc: "RFC 4787",
    section: "7",
    source: include_str!("nat009.rs"),
    flags: &["0 A>P OPTIONS ttl=64 header=Contact:_<sip:a@10.0.0.1>
         1 R>P OPTIONS ttl=63 header=Contact:_<sip:a@198.51.100.18>"],
    accepts: &["0 A>P OPTIONS ttl=64 header=Contact:_<sip:a@10.0.0.1>
         1 R>P OPTIONS ttl=63 header=Contact:_<sip:a@10.0.0.1>"],
    check: Check::Nat(check),
    ..Rule::BASE
};

fn check(survey: &Survey<'_>, found: &mut NatFindings) {
    for surveyed in &survey.devices {
        let Some(first) = surveyed.rewrites.first() else {
            continue;
        };
        let mut fields: Vec<String> = surveyed
            .rewrites
            .iter()
            .flat_map(|own| own.changes.iter().map(|change| change.field.clone()))
            .collect();
        fields.sort();
        fields.dedup();
        // An address that moved and a length that did not cut the message.
        found.add(
            &surveyed.device,
            "alg",
            format!("{} rewrites SIP: {}", surveyed.device, fields.join(", ")),
            0.97,
        );
        found.values(fields);
        for change in first.changes.iter().take(8) {
            let side =
                |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
            found.because(
                first.inside,
                format!(
                    "{}: {} becomes {}",
                    change.field,
                    side(&change.inside),
                    side(&change.outside)
                ),
            );
        }
    }
}
