//! The answer to a STUN request came from another address than it was sent to.
//!
//! Nobody asked for that: the server has several addresses and answers from the wrong one.
//! A NAT does not let it in.
//!
//! Fix: let the server answer from the address that was asked.

use crate::engine::stun_exchange::StunExchange;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "STN011",
    name: "stun-answer-from-elsewhere",
    severity: Severity::Warning,
    rfc: "RFC 8489",
    section: "6.3.1.2",
    source: include_str!("stn011.rs"),
    flags: &["0 A:4000>B:3478 stun request
         5 C:3478>A:4000 stun success"],
    accepts: &[
        "0 A:4000>B:3478 stun request
         5 B:3478>A:4000 stun success",
        "0 A:4000>B:3478 stun request change=6
         5 C:3479>A:4000 stun success",
    ],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    let from = exchange
        .answered_from
        .filter(|own| *own != exchange.flow.dst);
    if let Some(from) = from.filter(|_| exchange.wanted_change.is_none() && !exchange.is_check()) {
        found.add(
            format!(
                "{} asked {} and {from} answered",
                exchange.flow.src, exchange.flow.dst
            ),
            [exchange.first],
        );
        found.by(exchange.flow.dst.ip.to_string());
    }
}
