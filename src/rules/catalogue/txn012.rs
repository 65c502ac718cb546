//! One request has two different final responses from the same side.
//!
//! The first ends the transaction; whoever asked acts on it and never sees the second.
//!
//! Fix: two parts of the element that answers do not know of each other, as a timer and an
//! answer that cross.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TXN012",
    name: "conflicting-finals",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "17.2",
    source: include_str!("txn012.rs"),
    flags: &["0 A>B INVITE
         5 B>A 486 to=t
         6 A>B ACK to=t
         7 B>A 200 to=t"],
    accepts: &["0 A>B INVITE
         5 B>A 200 to=t
         6 B>A 200 to=u"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let finals: Vec<_> = context
        .responses()
        .filter(|(status, own)| *status >= 200 && !own.to_tag.is_empty())
        .collect();
    for (place, (status, message)) in finals.iter().enumerate() {
        let before = finals.iter().take(place).find(|(other, own)| {
            own.kept.transaction == message.kept.transaction
                && own.to_tag == message.to_tag
                && other != status
                && own.flow() == message.flow()
        });
        if let Some((first, own)) = before {
            found.message(
                message,
                format!("{} after {first} for the same request", message.told()),
            );
            found.also(own.at());
        }
    }
}
