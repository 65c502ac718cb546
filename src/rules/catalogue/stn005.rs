//! A connectivity check is not signed, or with another password than was described.
//!
//! Without MESSAGE-INTEGRITY the other side must refuse it with 400, for anybody could
//! have sent it; with a wrong one, with 401.
//!
//! Fix: let the program sign each check with the password of the other side, that of its
//! latest description.

use crate::engine::stun_exchange::StunExchange;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "STN005",
    name: "integrity-missing",
    severity: Severity::Error,
    rfc: "RFC 8445",
    section: "7.2.2",
    source: include_str!("stn005.rs"),
    flags: &[
        "0 A:4000>B:5000 stun request username=abcd:efgh fingerprint=good",
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:efgh line=a=ice-pwd:secret
         9 B:5000>A:4000 stun request username=efgh:abcd priority=yes signed=other fingerprint=good",
    ],
    accepts: &[
        "0 A:4000>B:5000 stun request username=abcd:efgh integrity=yes fingerprint=good",
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:efgh line=a=ice-pwd:secret
         9 B:5000>A:4000 stun request username=efgh:abcd priority=yes signed=secret fingerprint=good",
    ],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    if exchange.is_check() && exchange.check_lacks == Some("MESSAGE-INTEGRITY") {
        found.add(
            format!(
                "the check from {} to {} is not signed",
                exchange.flow.src, exchange.flow.dst
            ),
            [exchange.first],
        );
        found.by(exchange.flow.src.ip.to_string());
    }
    if exchange.integrity == Some(false) {
        found.add(
            format!(
                "the check from {} to {} is signed with another password than the description \
                 of who is asked has",
                exchange.flow.src, exchange.flow.dst
            ),
            [exchange.first],
        );
        found.by(exchange.flow.src.ip.to_string());
    }
}
