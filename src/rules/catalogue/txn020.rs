//! An ACK was answered.
//!
//! Nothing answers an ACK: it is the last word of a transaction, or one of its own
//! that ends with it.
//!
//! Fix: the stack that sends it is broken; ask its maker for a new version.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN020",
    name: "response-to-ack",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "17",
    source: include_str!("txn020.rs"),
    flags: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         31 B>A 200 branch=2 to=t method=ACK"],
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
        if message.method == Method::Ack {
            found.message(
                message,
                format!("{} answers an ACK with {status}", message.flow().src),
            );
        }
    }
}
