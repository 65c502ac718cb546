//! A relay asks for credentials and does not say for which realm.
//!
//! Nobody can compute them: the client gives up.
//!
//! Fix: configure a realm and long-term credentials at the relay.

use crate::engine::stun_exchange::Answer;
use crate::engine::stun_exchange::StunExchange;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TUR002",
    name: "first-401-missing-realm",
    severity: Severity::Error,
    rfc: "RFC 8489",
    section: "9.2.4",
    source: include_str!("tur002.rs"),
    flags: &["0 A:4000>B:3478 stun request method=3
         5 B:3478>A:4000 stun error=401 method=3"],
    accepts: &["0 A:4000>B:3478 stun request method=3
         5 B:3478>A:4000 stun error=401 method=3 realm=x"],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    if exchange.method == "allocate"
        && exchange.answer == Some(Answer::Error(Some(401)))
        && exchange.realm.is_none()
    {
        found.add(
            format!(
                "{} asks {} for credentials of no realm",
                exchange.flow.dst, exchange.flow.src
            ),
            [exchange.first],
        );
        found.by(exchange.flow.dst.ip.to_string());
    }
}
