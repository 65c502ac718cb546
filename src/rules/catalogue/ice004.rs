//! A connectivity check does not say its priority.
//!
//! The other side can't place the pair that it would learn from it, and refuses.
//!
//! Fix: let the program add PRIORITY to each check.

use crate::engine::stun_exchange::StunExchange;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "ICE004",
    name: "priority-missing",
    severity: Severity::Error,
    rfc: "RFC 8445",
    section: "7.1.1",
    source: include_str!("ice004.rs"),
    flags: &["0 A:4000>B:5000 stun request username=abcd:efgh integrity=yes fingerprint=good"],
    accepts: &[
        "0 A:4000>B:5000 stun request username=abcd:efgh integrity=yes priority=yes fingerprint=good",
        "0 A:4000>B:5000 stun request username=1700003600:alice realm=example.org integrity=yes fingerprint=good",
    ],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    if exchange.is_check() && exchange.check_lacks == Some("PRIORITY") {
        found.add(
            format!(
                "the check from {} to {} lacks PRIORITY",
                exchange.flow.src, exchange.flow.dst
            ),
            [exchange.first],
        );
        found.by(exchange.flow.src.ip.to_string());
    }
}
