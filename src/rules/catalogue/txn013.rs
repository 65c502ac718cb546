//! A provisional response follows the final one.
//!
//! Whoever asked ignores it; it shows that two parts of the element that answers race.
//!
//! Fix: let nothing more be sent for a request that was answered.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "TXN013",
    name: "provisional-after-final",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "17.2.1",
    source: include_str!("txn013.rs"),
    flags: &["0 A>B INVITE
         5 B>A 200 to=t
         100 B>A 180 to=t"],
    accepts: &["0 A>B INVITE
         5 B>A 200 to=t
         30 B>A 180 to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses() {
        if status >= 200 || message.to_tag.is_empty() {
            continue;
        }
        let before = context.responses().find(|(status, own)| {
            *status >= 200
                && own.kept.transaction == message.kept.transaction
                && own.to_tag == message.to_tag
        });
        if before.is_some_and(|(_, own)| message.when().since(own.when()) > SECOND / 20) {
            found.message(
                message,
                format!("{} comes after the final response", message.told()),
            );
        }
    }
}
