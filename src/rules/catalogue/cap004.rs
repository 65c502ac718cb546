//! The capture cut messages short.
//!
//! What lies behind the cut is not judged: header fields and bodies that seem to be missing
//! may have been there.
//!
//! Fix: capture whole packets (tcpdump -s 0).

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "CAP004",
    name: "truncated-packets",
    severity: Severity::Warning,
    source: include_str!("cap004.rs"),
    flags: &["0 A>B INVITE sdp=4000 cut=200"],
    accepts: &["0 A>B INVITE sdp=4000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let cut = context.messages.iter().find(|own| own.kept.is_cut);
    if let Some(message) = cut {
        found.message(message, format!("{} is cut by the capture", message.told()));
    }
}
