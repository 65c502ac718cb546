//! The address that a STUN server saw was rewritten on the way.
//!
//! MAPPED-ADDRESS and XOR-MAPPED-ADDRESS are the same address, once in clear; they differ,
//! so a device looks for addresses in payloads and replaces them. It does the same to SIP.
//!
//! Fix: switch that off (ALG, "SIP helper") at the router.

use crate::engine::stun_exchange::StunExchange;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "STN012",
    name: "mapped-address-rewritten",
    severity: Severity::Error,
    rfc: "RFC 8489",
    section: "14.2",
    source: include_str!("stn012.rs"),
    flags: &["0 A:4000>B:3478 stun request
         5 B:3478>A:4000 stun success mapped=C:7000 plain=A:4000"],
    accepts: &["0 A:4000>B:3478 stun request
         5 B:3478>A:4000 stun success mapped=C:7000 plain=C:7000"],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    if let (Some(plain), Some(mapped)) = (exchange.rewritten_address, exchange.mapped_address) {
        found.add(
            format!(
                "{} saw {mapped}, and MAPPED-ADDRESS arrives as {plain}",
                exchange.flow.dst
            ),
            [exchange.first],
        );
    }
}
