//! The ACK to an answer has the branch of the INVITE.
//!
//! It is a request of its own. A proxy that knows the branch takes it for the ACK to a
//! refusal and passes it no further: the answer is repeated, and the call drops.
//!
//! Fix: give the ACK to a 2xx a new branch.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN017",
    name: "ack-2xx-same-branch",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "17.1.1.3",
    source: include_str!("txn017.rs"),
    flags: &["0 A>B INVITE
         5 B>A 200 to=t
         6 A>B ACK to=t uri=sip:10.0.0.2"],
    accepts: &["0 A>B INVITE
         5 B>A 200 to=t
         6 A>B ACK to=t branch=2"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for ack in context.requests(&Method::Ack).filter(|own| own.is_original) {
        let mut finals = context
            .responses()
            .filter(|(status, own)| *status >= 200 && own.kept.transaction == ack.kept.transaction);
        if let (Some((200..300, _)), None) = (finals.next(), finals.next()) {
            let branch = ack
                .sip
                .top_via()
                .ok()
                .and_then(|via| via.branch)
                .unwrap_or_default();
            found.quote(
                ack,
                branch,
                format!("{} to a 2xx has the branch of the INVITE", ack.told()),
            );
        }
    }
}
