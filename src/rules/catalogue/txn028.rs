//! A call was answered while it was being given up, and nobody ended it.
//!
//! When the answer crosses the CANCEL, the caller must confirm it and hang up with BYE; else
//! the callee keeps a call that nobody is in.
//!
//! Fix: let the caller send ACK and then BYE.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN028",
    name: "answer-cancel-glare",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "9.1",
    source: include_str!("txn028.rs"),
    flags: &["0 A>B INVITE
         5 B>A 180 to=t
         900 A>B CANCEL
         901 B>A 200 to=t
         902 A>B ACK to=t branch=2
         40000 C>D OPTIONS call=later tag=o branch=o"],
    accepts: &["0 A>B INVITE
         5 B>A 180 to=t
         900 A>B CANCEL
         901 B>A 200 to=t
         902 A>B ACK to=t branch=2
         903 A>B BYE to=t branch=3 cseq=2
         40000 C>D OPTIONS call=later tag=o branch=o"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() {
        return;
    }
    for cancel in context
        .requests(&Method::Cancel)
        .filter(|own| own.is_original)
    {
        let answer = context.originals().find(|own| {
            own.is_success(&Method::Invite) && own.cseq == cancel.cseq && own.when() > cancel.when()
        });
        let Some(answer) = answer else { continue };
        let ended = context.requests(&Method::Bye).next().is_some();
        if !ended && context.timed_out(answer.when()) {
            found.message(
                answer,
                format!("{} crosses a CANCEL, and no BYE follows", answer.told()),
            );
            found.by("caller");
        }
    }
}
