//! A relay was asked to reach a peer of the other address family.
//!
//! The allocation is for IPv4 or IPv6; a peer of the other family needs an allocation of its
//! own (443).
//!
//! Fix: ask for both families (ADDITIONAL-ADDRESS-FAMILY).

use crate::engine::stun_exchange::Answer;
use crate::engine::stun_exchange::StunExchange;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TUR009",
    name: "peer-address-family",
    severity: Severity::Error,
    rfc: "RFC 8656",
    section: "10.2",
    source: include_str!("tur009.rs"),
    flags: &["0 A:4000>B:3478 stun request method=8
         5 B:3478>A:4000 stun error=443 method=8"],
    accepts: &["0 A:4000>B:3478 stun request method=8
         5 B:3478>A:4000 stun error=403 method=8"],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    if exchange.method != "allocate" && exchange.answer == Some(Answer::Error(Some(443))) {
        found.add(
            format!(
                "{} can't reach a peer of {}: 443",
                exchange.flow.dst, exchange.flow.src
            ),
            [exchange.first],
        );
        found.by(exchange.flow.src.ip.to_string());
    }
}
