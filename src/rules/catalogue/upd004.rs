//! An UPDATE has no Contact.
//!
//! It refreshes where its sender is reached, and must say so.
//!
//! Fix: put a Contact into UPDATE.

use crate::rules::message::has;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "UPD004",
    name: "update-no-contact",
    severity: Severity::Warning,
    rfc: "RFC 3311",
    section: "5.1",
    source: include_str!("upd004.rs"),
    flags: &["0 A>B UPDATE to=t cseq=2 without=Contact"],
    accepts: &["0 A>B UPDATE to=t cseq=2"],
    needs: Needs::methods(&[Method::Update]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Update)
        .filter(|own| own.is_original && own.is_entire())
    {
        if !has(&message.sip, HeaderName::Contact) {
            found.message(message, format!("{} has no Contact", message.told()));
            return;
        }
    }
}
