//! A text message has a Contact.
//!
//! MESSAGE makes no dialog; a Contact there is forbidden.
//!
//! Fix: leave Contact out of MESSAGE.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "MSG002",
    name: "message-contact",
    severity: Severity::Warning,
    rfc: "RFC 3428",
    section: "4",
    source: include_str!("msg002.rs"),
    flags: &["0 A>B MESSAGE header=Contact:_<sip:a@10.0.0.1>"],
    accepts: &["0 A>B MESSAGE"],
    needs: Needs::methods(&[Method::Message]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Message)
        .filter(|own| own.is_original)
    {
        if let Some(value) = message.value(HeaderName::Contact) {
            found.quote(message, value, format!("{} has a Contact", message.told()));
            return;
        }
    }
}
