//! An ACK carries a session description although offer and answer are done.
//!
//! The INVITE offered and the 2xx answered. What the ACK says is neither offer nor answer,
//! and the two sides may now differ on what was agreed.
//!
//! Fix: put no body into such an ACK; a re-INVITE or UPDATE changes the session.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN019",
    name: "ack-with-unneeded-sdp",
    severity: Severity::Warning,
    rfc: "RFC 3264",
    section: "4",
    source: include_str!("txn019.rs"),
    flags: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000
         6 A>B ACK to=t branch=2 sdp=4002"],
    accepts: &["0 A>B INVITE
         5 B>A 200 to=t sdp=5000
         6 A>B ACK to=t branch=2 sdp=4000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for ack in context
        .requests(&Method::Ack)
        .filter(|own| own.is_original && own.sdp.is_some())
    {
        let offered = context
            .requests(&Method::Invite)
            .any(|own| own.cseq == ack.cseq && own.from_tag == ack.from_tag && own.sdp.is_some());
        let answered = context.responses().any(|(_, own)| {
            own.is_success(&Method::Invite) && own.cseq == ack.cseq && own.sdp.is_some()
        });
        if offered && answered {
            found.message(
                ack,
                format!(
                    "{} has a session description that nobody waits for",
                    ack.told()
                ),
            );
        }
    }
}
