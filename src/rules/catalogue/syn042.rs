//! A 100 does not repeat the Timestamp of its request.
//!
//! The one who asked wanted to measure the round trip and can't.
//!
//! Fix: copy Timestamp into the 100, with the delay added.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SYN042",
    name: "timestamp-not-echoed",
    severity: Severity::Info,
    rfc: "RFC 3261",
    section: "8.2.6.1",
    source: include_str!("syn042.rs"),
    flags: &["0 A>B INVITE header=Timestamp:_54
         1 B>A 100"],
    accepts: &["0 A>B INVITE header=Timestamp:_54
         1 B>A 100 header=Timestamp:_54"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, response, request) in context.answered() {
        let asked = request.field_named("Timestamp").is_some();
        if status == 100
            && asked
            && response.is_original
            && response.field_named("Timestamp").is_none()
            && response.is_entire()
        {
            found.message(
                response,
                format!("{} does not repeat Timestamp", response.told()),
            );
        }
    }
}
