//! A name that leads to a SIP server could not be looked up.
//!
//! The name server failed, did not answer, or knows no address of that name. That a
//! domain has no NAPTR or SRV records is no fault: the address comes next.
//!
//! Fix: correct the name, or the zone; see whether the name server can be reached from
//! here.

use crate::dns::DnsKind;
use crate::engine::dns_lookup::DnsLookup;
use crate::rules::{Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TRN021",
    name: "dns-failure",
    severity: Severity::Warning,
    rfc: "RFC 3263",
    section: "4",
    symptom: Some("not-reachable"),
    source: include_str!("trn021.rs"),
    flags: &[
        "0 A:900>D:53 dns A sip.x
         1 D:53>A:900 dns A sip.x rcode=3",
        "0 A:900>D:53 dns SRV _sip._udp.x
         1000 A:900>D:53 dns SRV _sip._udp.x
         3000 A:900>D:53 dns SRV _sip._udp.x",
    ],
    accepts: &[
        "0 A:900>D:53 dns SRV _sip._udp.x
         1 D:53>A:900 dns SRV _sip._udp.x rcode=3",
        "0 A:900>D:53 dns A sip.x
         1 D:53>A:900 dns A sip.x answer=A:B",
        "0 A:900>D:53 dns A www.x
         1 D:53>A:900 dns A www.x rcode=3",
    ],
    check: Check::Dns(check),
    ..Rule::BASE
};

fn check(lookup: &DnsLookup, found: &mut Findings) {
    let what = match lookup.rcode {
        None if lookup.retries >= 2 => "is not answered",
        Some(2) => "fails at the name server",
        Some(5) => "is refused by the name server",
        Some(3) if matches!(lookup.kind, DnsKind::A | DnsKind::Aaaa) => {
            "finds that there is no such name"
        }
        _ => return,
    };
    found.add(
        format!("the look-up of {} {} {what}", lookup.kind, lookup.name),
        [lookup.first],
    );
    found.by(lookup.flow.dst.ip.to_string());
}
