//! A message that makes a dialog names more than one Contact.
//!
//! A dialog has one remote target. Which of them requests go to is left to chance.
//!
//! Fix: name one Contact; only REGISTER and redirections may have more.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN030",
    name: "contact-multiple",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.1.1.8",
    source: include_str!("syn030.rs"),
    flags: &["0 A>B INVITE header=Contact:_<sip:a@10.0.0.1>,_<sip:a@10.0.0.9>"],
    accepts: &[
        "0 A>B INVITE header=Contact:_<sip:a@10.0.0.1>",
        "0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>,_<sip:a@10.0.0.9>",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        let makes = (message.is_request()
            && matches!(
                message.method,
                Method::Invite | Method::Subscribe | Method::Refer
            ))
            || message.is_success(&Method::Invite)
            || message.is_success(&Method::Subscribe);
        if !makes {
            continue;
        }
        let contacts = message.values(HeaderName::Contact);
        if let [first, _, ..] = contacts.as_slice() {
            found.quote(
                message,
                first,
                format!("{} names {} Contacts", message.told(), contacts.len()),
            );
        }
    }
}
