//! The registrar does not say how long a registration lasts.
//!
//! Each Contact of its answer has an expires parameter; without it the device may refresh
//! too late.
//!
//! Fix: let the registrar add it.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;

pub(super) const RULE: Rule = Rule {
    code: "REG007",
    name: "granted-expires-missing",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "10.3",
    is_tolerated: true,
    source: include_str!("reg007.rs"),
    flags: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>"],
    accepts: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1> header=Expires:_60"],
    needs: Needs::methods(&[Method::Register]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, message) in context
        .responses()
        .filter(|(_, own)| own.is_original && own.is_success(&Method::Register))
    {
        let silent = message
            .values(HeaderName::Contact)
            .into_iter()
            .find(|value| NameAddr::parse(value).parameter("expires").is_none());
        if let (Some(value), None) = (silent, message.value(HeaderName::Expires)) {
            found.quote(
                message,
                value,
                format!("{} does not say when the registration ends", message.told()),
            );
            return;
        }
    }
}
