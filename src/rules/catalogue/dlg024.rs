//! An INVITE rang at more than four devices.
//!
//! Each is a dialog of its own; wide forking costs every element on the way.
//!
//! Fix: limit the number of branches (Max-Breadth), or ring in turn.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "DLG024",
    name: "early-dialog-flood",
    severity: Severity::Info,
    rfc: "RFC 3261",
    section: "16.7",
    source: include_str!("dlg024.rs"),
    flags: &["0 A>B INVITE
         1 B>A 180 to=t
         2 B>A 180 to=u
         3 B>A 180 to=v
         4 B>A 180 to=w
         5 B>A 180 to=y"],
    accepts: &["0 A>B INVITE
         1 B>A 180 to=t
         2 B>A 180 to=u
         3 B>A 180 to=v
         4 B>A 180 to=w"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let dialogs = context.call().dialogs.len();
    if dialogs > 4 {
        found.add(
            format!("{dialogs} dialogs of one call"),
            [context.call().first],
        );
    }
}
