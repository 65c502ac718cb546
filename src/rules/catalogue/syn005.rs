//! Max-Forwards is not a number from 0 to 255.
//!
//! A proxy can't count it down and may refuse the request.
//!
//! Fix: begin with Max-Forwards: 70.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN005",
    name: "max-forwards-range",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "20.22",
    source: include_str!("syn005.rs"),
    flags: &[
        "0 A>B INVITE swap=Forwards:_70=>Forwards:_256",
        "0 A>B INVITE swap=Forwards:_70=>Forwards:_many",
    ],
    accepts: &["0 A>B INVITE swap=Forwards:_70=>Forwards:_255"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        let Some(value) = message.value(HeaderName::MaxForwards) else {
            continue;
        };
        if octets::decimal(value).is_none_or(|hops| hops > 255) {
            found.quote(
                message,
                value,
                format!("Max-Forwards of {} is no number up to 255", message.told()),
            );
        }
    }
}
