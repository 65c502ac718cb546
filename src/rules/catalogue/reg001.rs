//! A REGISTER asks a user, not a domain.
//!
//! Its Request-URI names the registrar's domain alone; some registrars answer 404 to more.
//!
//! Fix: take user and @ out of the Request-URI.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::Uri;

pub(super) const RULE: Rule = Rule {
    code: "REG001",
    name: "register-ruri-has-user",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "10.2",
    is_tolerated: true,
    source: include_str!("reg001.rs"),
    flags: &["0 A>B REGISTER uri=sip:a@x header=Contact:_<sip:a@10.0.0.1>"],
    accepts: &["0 A>B REGISTER uri=sip:x header=Contact:_<sip:a@10.0.0.1>"],
    needs: Needs::methods(&[Method::Register]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Register)
        .filter(|own| own.is_original)
    {
        if !Uri::parse(message.request_uri()).user.is_empty() {
            found.quote(
                message,
                message.request_uri(),
                format!("{} names a user in its Request-URI", message.told()),
            );
            return;
        }
    }
}
