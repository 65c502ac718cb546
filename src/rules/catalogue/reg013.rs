//! All registrations are to be removed by a request that says something else too.
//!
//! Contact: * stands alone, with Expires: 0; any other use is answered 400.
//!
//! Fix: send Contact: * and Expires: 0, and no other Contact.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "REG013",
    name: "star-misuse",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "10.2.2",
    source: include_str!("reg013.rs"),
    flags: &["0 A>B REGISTER header=Contact:_* header=Expires:_60"],
    accepts: &["0 A>B REGISTER header=Contact:_* header=Expires:_0"],
    needs: Needs::methods(&[Method::Register]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Register)
        .filter(|own| own.is_original)
    {
        let contacts = message.values(HeaderName::Contact);
        let Some(star) = contacts.iter().find(|value| **value == b"*") else {
            continue;
        };
        if contacts.len() > 1 || message.number(HeaderName::Expires) != Some(0) {
            found.quote(
                message,
                star,
                format!(
                    "{} has Contact: * without Expires: 0, or beside others",
                    message.told()
                ),
            );
        }
    }
}
