//! A server refused a request because it is overloaded, in maintenance or cut off
//! from the next one.
//!
//! 503 asks the client to go elsewhere, for as long as Retry-After says. A proxy does
//! not hand it on: the client would avoid the proxy in place of the server behind it.
//!
//! Fix: look at the server that says so, and at the gateway or trunk behind it; let
//! DNS SRV name another one.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "TXN041",
    name: "service-unavailable",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "21.5.4",
    symptom: Some("rejected"),
    source: include_str!("txn041.rs"),
    flags: &["0 A>B INVITE
         10 B>A 503 to=t header=Retry-After:_30
         11 A>B ACK to=t"],
    accepts: &["0 A>B INVITE
         10 B>A 486 to=t
         11 A>B ACK to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses() {
        if status == 503 && message.sip.via_count() <= 1 {
            let wait = message.sip.value(HeaderName::RetryAfter).map_or_else(
                || "no Retry-After".to_owned(),
                |value| format!("Retry-After {}", octets::text(value)),
            );
            found.message(
                message,
                format!(
                    "{} is not available: 503 to {}, {wait}",
                    message.flow().src,
                    message.method.as_str()
                ),
            );
        }
    }
}
