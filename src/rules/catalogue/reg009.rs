//! A registration lasts less than a minute.
//!
//! It is refreshed more often than a NAT forgets, which is what it may be for; keep-alives
//! do the same for less.
//!
//! Fix: let the device send keep-alives (RFC 5626), and register for longer.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;

pub(super) const RULE: Rule = Rule {
    code: "REG009",
    name: "short-expires",
    severity: Severity::Info,
    rfc: "RFC 3261",
    section: "10.2.1",
    source: include_str!("reg009.rs"),
    flags: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=59
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=59"],
    accepts: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60"],
    needs: Needs::methods(&[Method::Register]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, message) in context
        .responses()
        .filter(|(_, own)| own.is_success(&Method::Register))
    {
        for value in message.values(HeaderName::Contact) {
            let expires = NameAddr::parse(value)
                .parameter("expires")
                .and_then(octets::decimal);
            if let Some(expires) = expires.filter(|own| (1..60).contains(own)) {
                found.quote(
                    message,
                    value,
                    format!("{} grants {expires} s", message.told()),
                );
                return;
            }
        }
    }
}
