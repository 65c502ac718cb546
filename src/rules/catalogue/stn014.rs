//! A STUN or TURN server refused credentials.
//!
//! A first 401 without credentials asks for them; one to a signed request says that the name
//! or the password is wrong. Asking again with the same does not help.
//!
//! Fix: compare name, realm and password with the server's; credentials with a date in the
//! name run out, and both clocks must agree.

use crate::engine::stun_exchange::{Answer, StunExchange};
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "STN014",
    name: "stun-credentials-refused",
    severity: Severity::Error,
    rfc: "RFC 8489",
    section: "9.2.5",
    symptom: Some("no-audio"),
    source: include_str!("stn014.rs"),
    flags: &[
        "0 A:4000>B:3478 stun request method=3 username=a realm=x integrity=1
         5 B:3478>A:4000 stun error=401 method=3",
    ],
    accepts: &[
        "0 A:4000>B:3478 stun request method=3
         5 B:3478>A:4000 stun error=401 method=3",
        "0 A:4000>B:3478 stun request method=3 username=a realm=x integrity=1
         5 B:3478>A:4000 stun error=438 method=3",
    ],
    check: Check::Stun(check),
    ..Rule::BASE
};

fn check(exchange: &StunExchange, capture: CaptureFacts, found: &mut Findings) {
    let _ = capture;
    if exchange.has_credentials && exchange.answer == Some(Answer::Error(Some(401))) {
        found.add(
            format!(
                "{} refuses the credentials of {} for {}",
                exchange.flow.dst, exchange.flow.src, exchange.method
            ),
            [exchange.first],
        );
        found.by(exchange.flow.src.ip.to_string());
    }
}
