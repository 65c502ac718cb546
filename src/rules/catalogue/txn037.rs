//! A response does not repeat From as it was in the request.
//!
//! From and Call-ID name the dialog; something rewrites them in one direction alone.
//!
//! Fix: look at the ALG or the B2BUA between the two.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TXN037",
    name: "response-copy-mismatch",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.2.6.2",
    source: include_str!("txn037.rs"),
    flags: &["0 A>B OPTIONS
         1 B>A 200 to=t tag=g method=OPTIONS"],
    accepts: &["0 A>B OPTIONS
         1 B>A 200 to=t method=OPTIONS"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, response, request) in context.answered() {
        let same_hop = response.flow().reversed() == request.flow();
        if response.from_tag != request.from_tag && !response.from_tag.is_empty() && same_hop {
            found.quote(
                response,
                response.from_tag,
                format!("{} has another From tag than the request", response.told()),
            );
        }
    }
}
