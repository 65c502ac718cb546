//! Two devices answered, and one of them was left in the call.
//!
//! The caller must confirm both answers and hang up all but one. The other device talks to
//! nobody.
//!
//! Fix: let the caller, or the proxy for it, send ACK and BYE to each further 2xx.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "DLG023",
    name: "forked-2xx-not-terminated",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "13.2.2.4",
    source: include_str!("dlg023.rs"),
    flags: &["0 A>B INVITE
         5 B>A 200 to=t
         6 A>B ACK to=t branch=2
         7 B>A 200 to=u
         3000 A>B BYE to=t branch=9 cseq=2
         40000 C>D OPTIONS call=later tag=o branch=o"],
    accepts: &["0 A>B INVITE
         5 B>A 200 to=t
         6 A>B ACK to=t branch=2
         7 B>A 200 to=u
         8 A>B ACK to=u branch=3
         9 A>B BYE to=u branch=8 cseq=2
         3000 A>B BYE to=t branch=9 cseq=2
         40000 C>D OPTIONS call=later tag=o branch=o"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() {
        return;
    }
    let answers: Vec<_> = context
        .originals()
        .filter(|own| own.is_success(&Method::Invite) && !own.to_tag.is_empty())
        .collect();
    let Some(first) = answers.first() else { return };
    let touched = |tag: &[u8]| {
        context.messages.iter().any(|own| {
            own.is_request()
                && matches!(own.method, Method::Ack | Method::Bye)
                && (own.to_tag == tag || own.from_tag == tag)
        })
    };
    for own in answers
        .iter()
        .filter(|own| own.cseq == first.cseq && own.to_tag != first.to_tag)
    {
        if touched(first.to_tag) && !touched(own.to_tag) && context.timed_out(own.when()) {
            found.message(
                own,
                format!("{} is neither confirmed nor hung up", own.told()),
            );
            found.by("caller");
        }
    }
}
