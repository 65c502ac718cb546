//! The branch of a request is z9hG4bK and nothing else.
//!
//! It promises to be unique and is the same for every request: transactions collide.
//!
//! Fix: add something unique after z9hG4bK.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::MAGIC_COOKIE;

pub(super) const RULE: Rule = Rule {
    code: "SYN017",
    name: "branch-cookie-only",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.1.1.7",
    source: include_str!("syn017.rs"),
    flags: &["0 A>B INVITE swap=z9hG4bK1.0=>z9hG4bK"],
    accepts: &["0 A>B INVITE swap=z9hG4bK1.0=>z9hG4bK-"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals().filter(|own| own.is_request()) {
        let branch = message.sip.top_via().ok().and_then(|via| via.branch);
        let Some(branch) = branch else { continue };
        if branch.eq_ignore_ascii_case(MAGIC_COOKIE.as_bytes()) {
            found.quote(
                message,
                branch,
                format!("the branch of {} is the cookie alone", message.told()),
            );
        }
    }
}
