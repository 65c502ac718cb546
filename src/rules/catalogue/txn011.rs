//! A request that is no INVITE is answered 408.
//!
//! By the time it is sent whoever asked has given up; it is traffic that helps nobody.
//!
//! Fix: send nothing when the time is over.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN011",
    name: "408-to-noninvite",
    severity: Severity::Warning,
    rfc: "RFC 4320",
    section: "4.2",
    source: include_str!("txn011.rs"),
    flags: &["0 A>B OPTIONS
         32000 B>A 408 to=t method=OPTIONS"],
    accepts: &["0 A>B INVITE
         30000 B>A 408 to=t
         30001 A>B ACK to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses() {
        if status == 408 && message.method != Method::Invite && message.is_original {
            found.message(
                message,
                format!(
                    "{} answers {} with 408",
                    message.flow().src,
                    message.method.as_str()
                ),
            );
        }
    }
}
