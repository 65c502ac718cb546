//! The Via names another transport than the one that carries the message.
//!
//! The answer is sent by the transport that the Via names, and may find nobody there.
//!
//! Fix: let the program write the transport it uses; at a TLS terminator rewrite the Via.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TRN002",
    name: "via-transport-mismatch",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "18.1.1",
    source: include_str!("trn002.rs"),
    flags: &[
        "0 A>B OPTIONS swap=2.0/UDP=>2.0/TCP",
        "0 A>B OPTIONS over=tcp",
    ],
    accepts: &[
        "0 A>B OPTIONS over=tcp swap=2.0/UDP=>2.0/TCP",
        "0 A>B OPTIONS over=tcp swap=2.0/UDP=>2.0/TLS",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.messages.iter().filter(|own| own.is_request()) {
        let Ok(via) = message.sip.top_via() else {
            continue;
        };
        let is = |name: &&str| via.transport.eq_ignore_ascii_case(name.as_bytes());
        let wrong = match message.is_udp() {
            true => ["TCP", "TLS", "WS", "WSS"].iter().any(is),
            false => is(&"UDP"),
        };
        if wrong {
            let named = octets::text(via.transport).to_ascii_uppercase();
            found.quote(
                message,
                via.transport,
                format!(
                    "{} comes over {} and its Via says {named}",
                    message.told(),
                    message.flow().transport.name()
                ),
            );
            return;
        }
    }
}
