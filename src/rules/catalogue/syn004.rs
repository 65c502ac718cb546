//! A request has no Max-Forwards.
//!
//! Without it nothing stops a request that goes round in circles.
//!
//! Fix: send Max-Forwards: 70.

use crate::rules::message::has;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN004",
    name: "missing-max-forwards",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "8.1.1.6",
    source: include_str!("syn004.rs"),
    flags: &["0 A>B INVITE without=Max-Forwards"],
    accepts: &["0 A>B INVITE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        if message.is_request()
            && message.is_entire()
            && !has(&message.sip, HeaderName::MaxForwards)
        {
            found.message(message, format!("{} has no Max-Forwards", message.told()));
        }
    }
}
