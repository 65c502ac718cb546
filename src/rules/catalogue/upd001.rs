//! An UPDATE is sent outside any dialog.
//!
//! It changes a session that exists; without a To tag nobody knows which.
//!
//! Fix: wait for a response with a To tag.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "UPD001",
    name: "update-before-dialog",
    severity: Severity::Error,
    rfc: "RFC 3311",
    section: "5.1",
    source: include_str!("upd001.rs"),
    flags: &["0 A>B INVITE
         1 A>B UPDATE cseq=2 branch=2"],
    accepts: &["0 A>B INVITE
         1 B>A 183 to=t
         9 A>B UPDATE to=t cseq=2 branch=2"],
    needs: Needs::methods(&[Method::Update]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Update)
        .filter(|own| own.is_original)
    {
        if message.to_tag.is_empty() {
            found.message(message, format!("{} has no To tag", message.told()));
        }
    }
}
