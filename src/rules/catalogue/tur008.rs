//! A relay refused to pass packets of a peer on.
//!
//! It does not allow that address: private ranges are often forbidden.
//!
//! Fix: allow the peer's range at the relay (allowed-peer-ip), if it should be reached.

use crate::engine::stun_exchange::Answer;
use crate::engine::stun_exchange::StunExchange;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TUR008",
    name: "permission-refused",
    severity: Severity::Warning,
    rfc: "RFC 8656",
    section: "10.2",
    source: include_str!("tur008.rs"),
    flags: &["0 A:4000>B:3478 stun request method=8
         5 B:3478>A:4000 stun error=403 method=8"],
    accepts: &["0 A:4000>B:3478 stun request method=8
         5 B:3478>A:4000 stun success method=8"],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    let Some(Answer::Error(Some(code))) = exchange.answer else {
        return;
    };
    if matches!(
        exchange.method.as_str(),
        "create-permission" | "channel-bind"
    ) && matches!(code, 403 | 443 | 447)
    {
        found.add(
            format!(
                "{} refuses a peer of {}: {code}",
                exchange.flow.dst, exchange.flow.src
            ),
            [exchange.first],
        );
    }
}
