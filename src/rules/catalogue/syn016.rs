//! The branch of a request does not begin with z9hG4bK, or there is none.
//!
//! It comes from a program older than 2002. Receivers must then tell requests apart by
//! other fields, which fails where requests are forked.
//!
//! Fix: let every branch begin with z9hG4bK and be unique.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::MAGIC_COOKIE;

pub(super) const RULE: Rule = Rule {
    code: "SYN016",
    name: "branch-without-cookie",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "8.1.1.7",
    source: include_str!("syn016.rs"),
    flags: &["0 A>B INVITE swap=z9hG4bK=>old"],
    accepts: &["0 A>B INVITE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals().filter(|own| own.is_request()) {
        let Ok(via) = message.sip.top_via() else {
            continue;
        };
        let branch = via.branch.unwrap_or_default();
        let cookie = branch.get(..MAGIC_COOKIE.len());
        if !cookie.is_some_and(|own| own.eq_ignore_ascii_case(MAGIC_COOKIE.as_bytes())) {
            let part = if branch.is_empty() {
                via.sent_by
            } else {
                branch
            };
            found.quote(
                message,
                part,
                format!(
                    "the branch of {} does not begin with {MAGIC_COOKIE}",
                    message.told()
                ),
            );
        }
    }
}
