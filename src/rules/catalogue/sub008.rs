//! A subscription is answered 202.
//!
//! The status was withdrawn; 200 says the same.
//!
//! Fix: answer 200 to a SUBSCRIBE that is accepted.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "SUB008",
    name: "202-used",
    severity: Severity::Info,
    rfc: "RFC 6665",
    section: "8.3.1",
    source: include_str!("sub008.rs"),
    flags: &["0 A>B SUBSCRIBE header=Event:_presence
         1 B>A 202 to=t method=SUBSCRIBE header=Expires:_60"],
    accepts: &["0 A>B SUBSCRIBE header=Event:_presence
         1 B>A 200 to=t method=SUBSCRIBE header=Expires:_60"],
    needs: Needs::methods(&[Method::Subscribe, Method::Notify, Method::Refer]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses().filter(|(_, own)| own.is_original) {
        if status == 202 && message.method == Method::Subscribe {
            found.message(message, format!("{} accepts with 202", message.told()));
            return;
        }
    }
}
