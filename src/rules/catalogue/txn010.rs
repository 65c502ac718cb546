//! A request that is no INVITE is answered provisionally.
//!
//! Only a 100 may come, and that late; other provisional responses to such a request mean
//! nothing.
//!
//! Fix: answer it at once, finally.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN010",
    name: "provisional-to-noninvite",
    severity: Severity::Warning,
    rfc: "RFC 4320",
    section: "4.1",
    source: include_str!("txn010.rs"),
    flags: &["0 A>B OPTIONS
         1 B>A 183 to=t method=OPTIONS"],
    accepts: &["0 A>B OPTIONS
         1 B>A 100 method=OPTIONS"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses() {
        if (101..200).contains(&status) && message.method != Method::Invite && message.is_original {
            found.message(
                message,
                format!(
                    "{} answers {} provisionally: {status}",
                    message.flow().src,
                    message.method.as_str()
                ),
            );
        }
    }
}
