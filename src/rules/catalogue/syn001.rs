//! The first line of a message is not spelled as it must be.
//!
//! A request line is a method, one space, a URI, one space and SIP/2.0; nothing else
//! belongs there. Many receivers forgive it, strict ones answer 400 or drop the message.
//!
//! Fix: write exactly one space between the parts, and the URI without brackets.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Anomaly;

pub(super) const RULE: Rule = Rule {
    code: "SYN001",
    name: "start-line-malformed",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "7.1",
    is_tolerated: true,
    source: include_str!("syn001.rs"),
    flags: &["0 A>B INVITE swap=b@x_SIP=>b@x__SIP"],
    accepts: &["0 A>B INVITE uri=sip:b@x;lr"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        if message.sip.anomalies().contains(&Anomaly::StartLineSpacing) {
            found.message(
                message,
                format!(
                    "the first line of {} has spaces or brackets that do not belong there",
                    message.told()
                ),
            );
        }
    }
}
