//! A STUN message does not fit its own checksum.
//!
//! Something on the way changed it, most likely the addresses inside; or whoever made it
//! computes it wrongly.
//!
//! Fix: switch off what rewrites addresses in payloads (ALG).

use crate::engine::stun_exchange::StunExchange;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "STN003",
    name: "fingerprint-bad",
    severity: Severity::Error,
    rfc: "RFC 8489",
    section: "14.7",
    source: include_str!("stn003.rs"),
    flags: &["0 A:4000>B:3478 stun request fingerprint=bad"],
    accepts: &["0 A:4000>B:3478 stun request fingerprint=good"],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    if exchange.bad_fingerprints > 0 {
        found.add(
            format!(
                "{} messages between {} and {} have a wrong fingerprint",
                exchange.bad_fingerprints, exchange.flow.src, exchange.flow.dst
            ),
            [exchange.first],
        );
    }
}
