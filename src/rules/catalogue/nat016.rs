//! Whether two hosts can reach each other directly by UDP, with a server that tells each the
//! other's outside address.
//!
//! Found by trying it on two NATs that behave as these were measured: `direct`, `one-way` or
//! `impossible`. Behaviours that were not measured give no prediction.
//!
//! Fix: where it is impossible, offer a relay (TURN).

use crate::nat::behavior::Dependence;
use crate::nat::prediction::{Behavior, State, predict};
use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Hosts and NATs that are held against each other.
const MAX_SIDES: usize = 8;

pub(super) const RULE: Rule = Rule {
    code: "NAT016",
    name: "p2p-prediction",
    severity: Severity::Info,
    rfc: "RFC 5128",
    section: "3.3",
    source: include_str!("nat016.rs"),
    flags: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000 other=Q:3479
         10 A:4000>Q:3478 stun request id=2
         15 Q:3478>A:4000 stun success id=2 mapped=R:7000
         20 A:4001>P:3478 stun request id=3 change=6
         25 Q:3479>A:4001 stun success id=3 mapped=R:7001
         100 T:4000>P:3478 stun request id=4
         105 P:3478>T:4000 stun success id=4 mapped=T:4000 other=Q:3479
         110 T:4001>P:3478 stun request id=5 change=6
         115 Q:3479>T:4001 stun success id=5 mapped=T:4001"],
    accepts: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000"],
    check: Check::Nat(check),
    ..Rule::BASE
};

fn check(survey: &Survey<'_>, found: &mut NatFindings) {
    let behind = survey.devices.iter().filter_map(|own| {
        let mapping = own.mapping.verdict()?;
        let filtering = own.filtering.verdict()?;
        let sure = own.mapping.confidence() * own.filtering.confidence();
        Some((
            own.device.to_string(),
            Behavior { mapping, filtering },
            &own.device.outside_ips,
            sure,
        ))
    });
    let open: Vec<(IpAddr, BTreeSet<IpAddr>, Dependence, f64)> = survey
        .untranslated
        .iter()
        .filter_map(|own| {
            let filtering = own.filtering.verdict()?;
            Some((
                own.host,
                BTreeSet::from([own.host]),
                filtering,
                own.filtering.confidence(),
            ))
        })
        .collect();
    let open = open.iter().map(|(host, ips, filtering, sure)| {
        let behavior = Behavior {
            mapping: Dependence::Endpoint,
            filtering: *filtering,
        };
        (host.to_string(), behavior, ips, *sure)
    });
    let sides: Vec<_> = behind.chain(open).take(MAX_SIDES).collect();
    for (place, (a, first, ips_a, sure_a)) in sides.iter().enumerate() {
        for (b, second, ips_b, sure_b) in sides.iter().skip(place + 1) {
            let outcome = predict(*first, *second, State::Mapping);
            let hopeful = predict(*first, *second, State::Endpoint);
            let meets = |from: &BTreeSet<IpAddr>, to: &BTreeSet<IpAddr>| {
                survey
                    .contacts
                    .all()
                    .find(|own| from.contains(&own.flow.src.ip) && to.contains(&own.flow.dst.ip))
            };
            let (there, back) = (meets(ips_a, ips_b), meets(ips_b, ips_a));
            let seen = match (there, back) {
                (Some(_), Some(_)) => "; packets were seen both ways",
                (None, None) => "; not tried here",
                _ => "; packets were seen one way",
            };
            let note = if hopeful == outcome {
                String::new()
            } else {
                format!(" ({} where filters know endpoints)", hopeful.name())
            };
            found.add(
                format!("{a} and {b}"),
                outcome.name(),
                format!(
                    "direct UDP between {a} and {b}: {}{note}{seen}",
                    outcome.name()
                ),
                sure_a * sure_b,
            );
            found.values(
                [
                    first.mapping,
                    first.filtering,
                    second.mapping,
                    second.filtering,
                ]
                .map(|own| own.name().to_owned()),
            );
            for contact in [there, back].into_iter().flatten() {
                found.because(
                    contact.first,
                    format!("{} sends to {}", contact.flow.src, contact.flow.dst),
                );
            }
        }
    }
}
