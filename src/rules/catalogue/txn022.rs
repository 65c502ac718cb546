//! A CANCEL does not fit the INVITE that it is to end.
//!
//! It must have the Request-URI, the tags, the number and the top Via of the INVITE. The
//! server does not find the INVITE, answers 481, and the phone goes on ringing.
//!
//! Fix: build the CANCEL of the INVITE as it was sent.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Message, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN022",
    name: "cancel-mismatch",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "9.1",
    source: include_str!("txn022.rs"),
    flags: &[
        "0 A>B INVITE
         5 B>A 180 to=t
         900 A>B CANCEL branch=other",
        "0 A>B INVITE
         5 B>A 180 to=t
         900 A>B CANCEL uri=sip:other@x",
        "0 A>B INVITE
         5 B>A 180 to=t
         900 A>B CANCEL to=t uri=sip:b@x",
    ],
    accepts: &["0 A>B INVITE
         5 B>A 180 to=t
         900 A>B CANCEL"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for cancel in context.requests(&Method::Cancel) {
        let branch = |own: &Message<'_>| {
            own.sip
                .top_via()
                .ok()
                .and_then(|via| via.branch)
                .map(octets::text)
        };
        let invites: Vec<_> = context
            .requests(&Method::Invite)
            .filter(|own| {
                own.flow() == cancel.flow()
                    && own.cseq == cancel.cseq
                    && own.from_tag == cancel.from_tag
            })
            .collect();
        let [invite] = invites.as_slice() else {
            continue;
        };
        let (part, what) = if branch(invite) != branch(cancel) {
            let via = cancel.sip.top_via().ok().and_then(|via| via.branch);
            (via.unwrap_or_default(), "branch")
        } else if invite.request_uri() != cancel.request_uri() {
            (cancel.request_uri(), "Request-URI")
        } else if invite.to_tag != cancel.to_tag {
            (cancel.to_tag, "To tag")
        } else {
            continue;
        };
        found.quote(
            cancel,
            part,
            format!("{} has another {what} than the INVITE", cancel.told()),
        );
    }
}
