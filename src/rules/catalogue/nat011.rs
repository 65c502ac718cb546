//! A host sends to an outside address of its own NAT.
//!
//! It means a neighbour behind the same NAT, or itself. Only a NAT that turns such packets
//! back (hairpinning, REQ-9) lets them arrive.
//!
//! Fix: offer host candidates (ICE), or relay.

use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "NAT011",
    name: "hairpin-needed",
    severity: Severity::Info,
    rfc: "RFC 4787",
    section: "6",
    source: include_str!("nat011.rs"),
    flags: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000
         50 A:4000>R:7007 stun request id=5"],
    accepts: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000"],
    check: Check::Nat(check),
    ..Rule::BASE
};

fn check(survey: &Survey<'_>, found: &mut NatFindings) {
    for surveyed in &survey.devices {
        let device = &surveyed.device;
        let is_inside = |ip| device.inside_ips.contains(&ip);
        let mut outside = device.outside_ips.iter();
        let needed = outside.find_map(|own| {
            let mut contacts = survey.contacts.to_host(*own);
            contacts.find(|own| is_inside(own.flow.src.ip))
        });
        let Some(first) = needed else { continue };
        // What turns back comes from the outside to a host inside.
        let turned = device.inside_ips.iter().find_map(|own| {
            let mut contacts = survey.contacts.to_host(*own);
            contacts.find(|own| device.outside_ips.contains(&own.flow.src.ip))
        });
        let (value, text) = match turned {
            Some(_) => ("works", "and packets come back in"),
            // Asked again and again: it was not lost.
            None if first.packets > 2 => ("no", "and nothing comes back in"),
            None => ("not-seen", "and none was seen to come back in"),
        };
        found.add(
            device,
            value,
            format!(
                "{} sends to {}, outside its own NAT, {text}",
                first.flow.src, first.flow.dst
            ),
            0.8,
        );
        found.because(
            first.first,
            format!("{} sends to {}", first.flow.src, first.flow.dst),
        );
        if let Some(turned) = turned {
            found.because(
                turned.first,
                format!("{} reaches {}", turned.flow.src, turned.flow.dst),
            );
        }
    }
}
