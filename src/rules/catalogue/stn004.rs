//! A connectivity check lacks FINGERPRINT.
//!
//! The other side can't tell it from media on the same port, and may drop it.
//!
//! Fix: let the program add FINGERPRINT to each check.

use crate::engine::stun_exchange::StunExchange;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "STN004",
    name: "fingerprint-missing-in-ice",
    severity: Severity::Error,
    rfc: "RFC 8445",
    section: "7.2.4",
    source: include_str!("stn004.rs"),
    flags: &["0 A:4000>B:5000 stun request username=abcd:efgh"],
    accepts: &[
        "0 A:4000>B:5000 stun request username=abcd:efgh fingerprint=good",
        "0 A:4000>B:3478 stun request",
    ],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    if exchange.is_check() && exchange.check_lacks == Some("FINGERPRINT") {
        found.add(
            format!(
                "the check from {} to {} lacks FINGERPRINT",
                exchange.flow.src, exchange.flow.dst
            ),
            [exchange.first],
        );
        found.by(exchange.flow.src.ip.to_string());
    }
}
