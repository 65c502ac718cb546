//! A request came back to a host that it had passed before.
//!
//! A proxy that finds itself in the Via of a request with the same target has met a
//! loop and answers 482.
//!
//! Fix: look at the routing of the domain in the Request-URI: two hosts each think
//! that the other one serves it, or a forward leads back to the number it came from.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TXN030",
    name: "loop",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "16.3",
    symptom: Some("rejected"),
    source: include_str!("txn030.rs"),
    flags: &["0 A>B INVITE
         10 B>A 482 to=t
         11 A>B ACK to=t"],
    accepts: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         3000 A>B BYE to=t branch=9 cseq=2
         3001 B>A 200 to=t branch=9 cseq=2 method=BYE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses() {
        if status == 482 && message.sip.via_count() <= 1 {
            found.message(
                message,
                format!(
                    "{} finds a loop: 482 to {}",
                    message.flow().src,
                    message.method.as_str()
                ),
            );
        }
    }
}
