//! One half of the ICE credentials changed and the other did not.
//!
//! A restart changes both; with one of them the other side can't tell what is meant.
//!
//! Fix: make a new user fragment and a new password together.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP042",
    name: "ice-restart-incomplete",
    severity: Severity::Warning,
    rfc: "RFC 8839",
    section: "4.4.3",
    source: include_str!("sdp042.rs"),
    flags: &["0 A>B INVITE to=t sdp=4000 line=a=ice-ufrag:abcd line=a=ice-pwd:0123456789012345678901
         900 A>B INVITE to=t cseq=2 branch=2 sdp=4000 line=a=ice-ufrag:bcde line=a=ice-pwd:0123456789012345678901"],
    accepts: &["0 A>B INVITE to=t sdp=4000 line=a=ice-ufrag:abcd line=a=ice-pwd:0123456789012345678901
         900 A>B INVITE to=t cseq=2 branch=2 sdp=4000 line=a=ice-ufrag:bcde line=a=ice-pwd:1123456789012345678901"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for case in context.renewals() {
        for (before, now) in case.before.media.iter().zip(&case.description.media) {
            let change = |name: &str| {
                let (old, new) = (
                    case.before.attribute(before, name)?,
                    case.description.attribute(now, name)?,
                );
                Some(old != new)
            };
            if let (Some(first), Some(second)) = (change("ice-ufrag"), change("ice-pwd"))
                && first != second
            {
                found.quote(
                    case.message,
                    now.media,
                    format!(
                        "{} changes one half of its ICE credentials",
                        case.message.told()
                    ),
                );
                return;
            }
        }
    }
}
