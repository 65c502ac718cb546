//! What a host uses to get through NATs.
//!
//! From rport and keep-alives in its signalling over STUN, ICE and TURN for its media to hole
//! punching between peers. The one that carries most stands first; `none` stands where a host
//! behind a NAT uses nothing that can be seen.
//!
//! Fix: nothing; a host with `none` can send but hardly be reached.

use crate::nat::device::is_measured;
use crate::nat::survey::Survey;
use crate::rules::{Check, NatFindings, Rule, Severity};
use std::collections::BTreeSet;

pub(super) const RULE: Rule = Rule {
    code: "NAT015",
    name: "traversal-technique",
    severity: Severity::Info,
    rfc: "RFC 5128",
    section: "3",
    source: include_str!("nat015.rs"),
    flags: &[
        "0 A>P OPTIONS
         1 P>A 200 method=OPTIONS to=t swap=UDP_h0=>UDP_10.0.0.1;received=198.51.100.18;rport=7000",
        "0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000",
    ],
    accepts: &["0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=A:4000"],
    check: Check::Nat(check),
    ..Rule::BASE
};

fn check(survey: &Survey<'_>, found: &mut NatFindings) {
    let mut told = BTreeSet::new();
    for (host, techniques) in &survey.techniques {
        let Some(first) = techniques.first() else {
            continue;
        };
        told.insert(*host);
        let names: Vec<String> = techniques.iter().map(|own| own.name.to_owned()).collect();
        found.add(
            host,
            first.name,
            format!("{host} uses {}", names.join(", ")),
            0.9,
        );
        found.values(names);
        for own in techniques {
            found.because(own.at, own.says.clone());
        }
    }
    for surveyed in &survey.devices {
        for host in surveyed
            .device
            .inside_ips
            .iter()
            .filter(|host| !told.contains(*host))
        {
            // A host that others speak of may do what can't be seen here.
            let mut bindings = surveyed.device.bindings.iter();
            let own = bindings.find(|own| own.inside.ip == *host && is_measured(own));
            let Some(own) = own else { continue };
            found.add(
                host,
                "none",
                format!("{host} uses nothing that can be seen"),
                0.5,
            );
            found.because(own.first, format!("{} is {}", own.inside, own.outside));
        }
    }
}
