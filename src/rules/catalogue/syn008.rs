//! CSeq holds no number that fits.
//!
//! It must be below 2^31, and nobody can order requests by a number of more than 32 bits.
//!
//! Fix: begin below 2^31 and add one for each request.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN008",
    name: "cseq-out-of-range",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.1.1.5",
    source: include_str!("syn008.rs"),
    flags: &["0 A>B INVITE cseq=4294967296"],
    accepts: &["0 A>B INVITE cseq=2147483647"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        let Some(value) = message.value(HeaderName::CSeq) else {
            continue;
        };
        if message.cseq.is_none() {
            found.quote(
                message,
                value,
                format!(
                    "CSeq of {} is no number of 32 bits and a method",
                    message.told()
                ),
            );
        }
    }
}
