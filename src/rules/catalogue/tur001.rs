//! A relay refused to relay.
//!
//! 403 is policy, 437 an old allocation on the same port, 440 and 443 the kind of address,
//! 441 and 401 the credentials, 442 the transport, 486 the quota, 508 want of ports.
//!
//! Fix: the number says which; credentials of limited life run out with the clock.

use crate::engine::stun_exchange::Answer;
use crate::engine::stun_exchange::StunExchange;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TUR001",
    name: "allocate-failed",
    severity: Severity::Error,
    rfc: "RFC 8656",
    section: "7.4",
    symptom: Some("no-audio"),
    source: include_str!("tur001.rs"),
    flags: &["0 A:4000>B:3478 stun request method=3
         5 B:3478>A:4000 stun error=486 method=3"],
    accepts: &["0 A:4000>B:3478 stun request method=3
         5 B:3478>A:4000 stun error=401 method=3"],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    let Some(Answer::Error(Some(code))) = exchange.answer else {
        return;
    };
    if exchange.method == "allocate" && !matches!(code, 300 | 401 | 438) {
        found.add(
            format!(
                "{} refuses to relay for {}: {code}",
                exchange.flow.dst, exchange.flow.src
            ),
            [exchange.first],
        );
        found.by(exchange.flow.src.ip.to_string());
    }
}
