//! A response has no tag in its To.
//!
//! Every response but 100 names the end that answers by a tag; without it no dialog
//! arises.
//!
//! Fix: whoever answers must add a tag, a proxy that refuses by itself too.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN014",
    name: "to-tag-missing-in-response",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.2.6.2",
    source: include_str!("syn014.rs"),
    flags: &["0 A>B INVITE
         10 B>A 486"],
    accepts: &["0 A>B INVITE
         10 B>A 100
         20 B>A 486 to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses() {
        let untagged = message.to_tag.is_empty() && message.sip.has(HeaderName::To);
        if status > 100 && untagged && message.is_entire() {
            found.message(
                message,
                format!(
                    "{} from {} has no To tag",
                    message.called(),
                    message.flow().src
                ),
            );
        }
    }
}
