//! A STUN server was asked again and again and did not answer.
//!
//! It is down, or UDP to it is filtered.
//!
//! Fix: ask another server, or over TCP or TLS.

use crate::engine::stun_exchange::StunExchange;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "STN009",
    name: "stun-no-response",
    severity: Severity::Warning,
    rfc: "RFC 8489",
    section: "6.2.1",
    source: include_str!("stn009.rs"),
    flags: &["0 A:4000>B:3478 stun request
         500 A:4000>B:3478 stun request
         1500 A:4000>B:3478 stun request
         3500 A:4000>B:3478 stun request
         50000 C>D OPTIONS"],
    accepts: &["0 A:4000>B:3478 stun request
         500 A:4000>B:3478 stun request
         1500 A:4000>B:3478 stun request
         3500 A:4000>B:3478 stun request
         3510 B:3478>A:4000 stun success
         50000 C>D OPTIONS"],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, capture: CaptureFacts, found: &mut Findings) {
    // A check of ICE may well go unanswered.
    let is_check = exchange.is_check();
    let silent =
        exchange.answer.is_none() && !exchange.is_indication && exchange.requested.is_some();
    if silent
        && !is_check
        && exchange.retransmissions >= 3
        && capture.lasted(exchange.first.timestamp, 40 * SECOND)
    {
        found.add(
            format!(
                "{} does not answer {}",
                exchange.flow.dst, exchange.flow.src
            ),
            [exchange.first],
        );
        found.by(exchange.flow.dst.ip.to_string());
    }
}
