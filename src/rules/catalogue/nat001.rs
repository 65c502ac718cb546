//! A host is behind a NAT, or it is not.
//!
//! Others see it under another address or port than it has: a STUN or SIP server said so, or
//! the same packet was captured on both sides. `behind-nat` says that it is, `no-nat` that it
//! is seen as it is, `firewall` that it is seen as it is but not all is let in.
//!
//! Fix: nothing, where a technique to get through is in use (NAT015).

use crate::engine::nat::Learned;
use crate::nat::behavior::Dependence;
use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "NAT001",
    name: "behind-nat",
    severity: Severity::Info,
    rfc: "RFC 3581",
    section: "4",
    source: include_str!("nat001.rs"),
    flags: &[
        "0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000",
        "0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=A:4000",
    ],
    accepts: &["0 A:4000>P:3478 stun request id=1"],
    check: Check::Nat(check),
    ..Rule::BASE
};

fn check(survey: &Survey<'_>, found: &mut NatFindings) {
    for surveyed in &survey.devices {
        for host in &surveyed.device.inside_ips {
            let own = surveyed.device.bindings.iter();
            let own: Vec<_> = own.filter(|binding| binding.inside.ip == *host).collect();
            let sources = Learned::ALL.into_iter().filter_map(|how| {
                let binding = own.iter().find(|binding| binding.is_learned(how))?;
                Some((how, **binding))
            });
            let sources: Vec<_> = sources.collect();
            let Some((_, first)) = sources.first() else {
                continue;
            };
            found.add(
                host,
                "behind-nat",
                format!(
                    "{host} is behind a NAT: {} is seen as {}",
                    first.inside, first.outside
                ),
                own.iter().map(|own| own.confidence()).fold(0.0, f64::max),
            );
            found.values(sources.iter().map(|(how, _)| how.name().to_owned()));
            // Where its requests were captured outside, or inside.
            let test = own.iter().find_map(|binding| {
                survey
                    .facts
                    .uac_test(binding.outside)
                    .or_else(|| survey.facts.uac_test(binding.inside))
            });
            if let Some(test) = test {
                let mask = test.mask;
                found.because(
                    test.at,
                    format!("nat_uac_test of kamailio would say {mask}"),
                );
            }
            for (how, binding) in sources {
                let at = binding.learned.iter().find(|(known, _)| *known == how);
                let at = at.map_or(binding.first, |(_, at)| *at);
                found.because(
                    at,
                    format!("{}: {} is {}", how.name(), binding.inside, binding.outside),
                );
            }
        }
    }
    for own in &survey.untranslated {
        let Some(first) = own.bindings.first() else {
            continue;
        };
        let Some(remote) = first.remote else { continue };
        let filter = own.filtering.verdict();
        let is_filtered = own.filtering.excludes(Dependence::Endpoint);
        let (value, what) = match (is_filtered, filter) {
            (true, Some(filter)) => (
                "firewall",
                format!("a firewall, {}, is before it", filter.name()),
            ),
            (true, None) => ("firewall", "a firewall is before it".to_owned()),
            (false, _) => (
                "no-nat",
                format!("no NAT between this capture point and {}", remote.ip),
            ),
        };
        found.add(
            own.host,
            value,
            format!("{} is seen as {}: {what}", first.inside, first.outside),
            0.95,
        );
        found.because(
            first.first,
            format!("{} is {} for {remote}", first.inside, first.outside),
        );
        found.evidence(&own.filtering.evidence);
    }
}
