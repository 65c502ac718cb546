//! A request has no tag in its From.
//!
//! The tag names the caller's end of the dialog. Only stacks as old as RFC 2543, whose
//! branches have no magic cookie, know none.
//!
//! Fix: the sender must add a random tag of 32 bits or more.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::MAGIC_COOKIE;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN013",
    name: "from-tag-missing",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.1.1.3",
    source: include_str!("syn013.rs"),
    flags: &["0 A>B INVITE untagged=From"],
    accepts: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         3000 A>B BYE to=t branch=9 cseq=2
         3001 B>A 200 to=t branch=9 cseq=2 method=BYE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.messages.iter().filter(|own| own.status.is_none()) {
        let modern = message.sip.top_via().ok().and_then(|via| via.branch);
        let modern = modern.is_some_and(|branch| branch.starts_with(MAGIC_COOKIE.as_bytes()));
        let untagged = message.from_tag.is_empty() && message.sip.has(HeaderName::From);
        if untagged && modern && message.is_entire() {
            found.message(
                message,
                format!(
                    "{} from {} has no From tag",
                    message.called(),
                    message.flow().src
                ),
            );
        }
    }
}
