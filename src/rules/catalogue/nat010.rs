//! IPv6 is translated to IPv4 on the way.
//!
//! A host that has IPv6 alone reaches IPv4 servers through NAT64, at addresses that hold the
//! IPv4 address inside. An IPv4 address in a session description is none of these: the host
//! can't send there unless it translates too (464XLAT).
//!
//! Fix: ICE with candidates of both families, or a server with IPv6 that relays media.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::nat::survey::Survey;
use crate::net::is_nat64;
use crate::packet::PacketRef;
use crate::rules::{Check, NatFindings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "NAT010",
    name: "nat64-464xlat",
    severity: Severity::Info,
    rfc: "RFC 6146",
    section: "1.2",
    source: include_str!("nat010.rs"),
    flags: &[
        "0 A:4000>P:3478 stun request id=1 six=out
         5 P:3478>A:4000 stun success id=1 six=in mapped=R:7000",
        "0 A:4000>P:5060 OPTIONS six=out",
        "0 Y:5060>P OPTIONS",
    ],
    accepts: &[
        "0 A:4000>P:3478 stun request id=1 six=both",
        "0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000",
        "0 Z:5060>P OPTIONS",
    ],
    check: Check::Nat(check),
    ..Rule::BASE
};

/// What shows that a host is translated, the first of its kind.
struct Shown {
    value: &'static str,
    at: PacketRef,
    says: String,
}

fn check(survey: &Survey<'_>, found: &mut NatFindings) {
    let mut hosts: BTreeMap<IpAddr, Vec<Shown>> = BTreeMap::new();
    let mut show = |host: IpAddr, shown: Shown| {
        let own = hosts.entry(host).or_default();
        if own.len() < 4 {
            own.push(shown);
        }
    };
    for contact in survey.contacts.all() {
        let (src, dst) = (contact.flow.src, contact.flow.dst);
        if is_clat(src.ip) {
            let says = format!("{src} is an address of 464XLAT");
            let at = contact.first;
            let value = "464xlat";
            show(src.ip, Shown { value, at, says });
        } else if is_nat64(dst.ip) {
            let says = format!("{src} sends to {dst}, which stands for an IPv4 address");
            let at = contact.first;
            let value = "nat64";
            show(src.ip, Shown { value, at, says });
        }
    }
    for binding in survey.facts.bindings() {
        let (inside, outside) = (binding.inside, binding.outside);
        if inside.ip.is_ipv6() && outside.ip.is_ipv4() {
            let says = format!("{inside} is seen as {outside}");
            let at = binding.first;
            let value = "nat64";
            show(inside.ip, Shown { value, at, says });
        }
    }
    for (host, shown) in hosts {
        let Some(first) = shown.first() else { continue };
        found.add(
            host,
            first.value,
            format!("{host} reaches IPv4 from IPv6 through a translator"),
            0.95,
        );
        for own in &shown {
            found.because(own.at, own.says.clone());
        }
    }
}

/// RFC 7335: what a host's own translator uses.
fn is_clat(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if matches!(ip.octets(), [192, 0, 0, 1..=7]))
}
