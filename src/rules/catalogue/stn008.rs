//! A STUN request is repeated at a steady pace.
//!
//! Each wait must be twice the one before (from 500 ms), seven copies in all.
//!
//! Fix: let the client double its time-out.

use crate::engine::stun_exchange::StunExchange;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};
use crate::time::MILLISECOND;

pub(super) const RULE: Rule = Rule {
    code: "STN008",
    name: "stun-retransmit-schedule",
    severity: Severity::Warning,
    rfc: "RFC 8489",
    section: "6.2.1",
    source: include_str!("stn008.rs"),
    flags: &["0 A:4000>B:3478 stun request
         500 A:4000>B:3478 stun request
         1000 A:4000>B:3478 stun request
         1500 A:4000>B:3478 stun request
         2000 A:4000>B:3478 stun request"],
    accepts: &[
        "0 A:4000>B:3478 stun request
         500 A:4000>B:3478 stun request
         1500 A:4000>B:3478 stun request
         3500 A:4000>B:3478 stun request
         7500 A:4000>B:3478 stun request",
        "0 A:4000>B:3478 stun request method=2048
         500 A:4000>B:3478 stun request method=2048
         1000 A:4000>B:3478 stun request method=2048
         1500 A:4000>B:3478 stun request method=2048
         2000 A:4000>B:3478 stun request method=2048",
    ],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    // Methods of a vendor's own keep times of their own.
    let is_known = !exchange.method.starts_with("0x") && !exchange.is_check();
    let Some(interval) = exchange.pace.steady_ns().filter(|_| is_known) else {
        return;
    };
    found.add(
        format!(
            "{} asks {} again every {} ms and never waits longer",
            exchange.flow.src,
            exchange.flow.dst,
            interval / MILLISECOND
        ),
        [exchange.first],
    );
    found.by(exchange.flow.src.ip.to_string());
}
