//! The side that does not decide chose a pair.
//!
//! Only the controlling side nominates; the two may end on different pairs.
//!
//! Fix: let the program nominate only while it controls.

use crate::engine::stun_exchange::StunExchange;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};
use crate::stun::IceRole;

pub(super) const RULE: Rule = Rule {
    code: "ICE005",
    name: "use-candidate-by-controlled",
    severity: Severity::Error,
    rfc: "RFC 8445",
    section: "7.1.2",
    source: include_str!("ice005.rs"),
    flags: &[
        "0 A:4000>B:5000 stun request username=abcd:efgh controlled=yes nominate=yes fingerprint=good",
    ],
    accepts: &["0 A:4000>B:5000 stun request username=abcd:efgh controlled=yes fingerprint=good"],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    if exchange.use_candidate && exchange.ice_role == Some(IceRole::Controlled) {
        found.add(
            format!(
                "{} nominates a pair though it is controlled",
                exchange.flow.src
            ),
            [exchange.first],
        );
        found.by(exchange.flow.src.ip.to_string());
    }
}
