//! A response lacks the header field that says what would be right.
//!
//! A 405 must list what is allowed, a 423 the least time, a 420 what is not supported:
//! without it the one who asked can only guess.
//!
//! Fix: add the header field that the status calls for.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SYN033",
    name: "response-lacks-its-header",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "21",
    source: include_str!("syn033.rs"),
    flags: &[
        "0 A>B OPTIONS
         1 B>A 405 to=t method=OPTIONS",
        "0 A>B INVITE
         1 B>A 420 to=t
         2 A>B ACK to=t",
    ],
    accepts: &["0 A>B OPTIONS
         1 B>A 405 to=t method=OPTIONS header=Allow:_INVITE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context
        .responses()
        .filter(|(_, own)| own.is_original && own.is_entire())
    {
        let needed: &[&str] = match status {
            405 => &["Allow"],
            415 => &["Accept", "Accept-Encoding", "Accept-Language"],
            420 => &["Unsupported"],
            421 => &["Require"],
            423 => &["Min-Expires"],
            422 => &["Min-SE"],
            469 => &["Recv-Info"],
            489 => &["Allow-Events"],
            494 => &["Security-Server"],
            _ => continue,
        };
        if needed
            .iter()
            .all(|name| message.field_named(name).is_none())
        {
            found.message(
                message,
                format!("{} lacks {}", message.told(), needed.join(" or ")),
            );
        }
    }
}
