//! A response has a status that is no number from 100 to 699.
//!
//! It must be dropped; a program that takes it modulo some number misreads it.
//!
//! Fix: this is a test or a fault of whoever answers.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SYN032",
    name: "status-code-invalid",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "7.2",
    source: include_str!("syn032.rs"),
    flags: &["0 A>B OPTIONS
         1 B>A 700 to=t method=OPTIONS"],
    accepts: &["0 A>B OPTIONS
         1 B>A 699 to=t method=OPTIONS"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses() {
        if !(100..700).contains(&status) && message.is_original {
            found.message(
                message,
                format!(
                    "a response from {} has no status from 100 to 699",
                    message.flow().src
                ),
            );
        }
    }
}
