//! A CANCEL was sent after the final response had come.
//!
//! It has no effect: a call that was answered is ended by BYE.
//!
//! Fix: nothing, if they crossed; else let the program look at the state of its call.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN023",
    name: "cancel-after-final",
    severity: Severity::Info,
    rfc: "RFC 3261",
    section: "9.1",
    source: include_str!("txn023.rs"),
    flags: &["0 A>B INVITE
         5 B>A 486 to=t
         6 A>B ACK to=t
         900 A>B CANCEL"],
    accepts: &["0 A>B INVITE
         5 B>A 180 to=t
         900 A>B CANCEL
         901 B>A 487 to=t
         902 A>B ACK to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for cancel in context
        .requests(&Method::Cancel)
        .filter(|own| own.is_original)
    {
        let done = context.responses().any(|(status, own)| {
            status >= 200
                && own.method == Method::Invite
                && own.cseq == cancel.cseq
                && own.flow() == cancel.flow().reversed()
                && own.when() < cancel.when()
        });
        if done {
            found.message(
                cancel,
                format!("{} comes after the final response", cancel.told()),
            );
        }
    }
}
