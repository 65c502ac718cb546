//! An ACK has the number of no INVITE.
//!
//! The ACK to an answer carries the CSeq number of the INVITE that was answered. Whoever
//! answered does not know it and repeats the answer.
//!
//! Fix: copy the number of the INVITE.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "TXN018",
    name: "ack-cseq-wrong",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "13.2.2.4",
    source: include_str!("txn018.rs"),
    flags: &["0 A>B INVITE
         5 B>A 200 to=t
         6 A>B ACK to=t branch=2 cseq=2"],
    accepts: &["0 A>B INVITE cseq=7
         5 B>A 200 to=t cseq=7
         6 A>B ACK to=t branch=2 cseq=7"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() || !context.call().start_seen {
        return;
    }
    for ack in context.requests(&Method::Ack).filter(|own| own.is_original) {
        let known = context
            .messages
            .iter()
            .any(|own| own.method == Method::Invite && own.cseq == ack.cseq);
        let asked = context
            .requests(&Method::Invite)
            .any(|own| own.from_tag == ack.from_tag);
        if !known && asked && ack.cseq.is_some() {
            let cseq = ack.value(HeaderName::CSeq).unwrap_or_default();
            found.quote(
                ack,
                cseq,
                format!("{} has the number of no INVITE", ack.told()),
            );
        }
    }
}
