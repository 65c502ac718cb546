//! A second offer was made while the first waits for its answer.
//!
//! Nobody can tell which of the two an answer belongs to; the other side refuses with 491 or
//! 500.
//!
//! Fix: wait for the answer before the session is changed.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "SDP011",
    name: "second-offer-pending",
    severity: Severity::Error,
    rfc: "RFC 3311",
    section: "5.2",
    source: include_str!("sdp011.rs"),
    flags: &["0 A>B INVITE sdp=4000
         5 B>A 180 to=t
         9 A>B UPDATE to=t cseq=2 branch=2 sdp=4002
         20 B>A 200 to=t sdp=5000"],
    accepts: &["0 A>B INVITE sdp=4000
         5 B>A 183 to=t sdp=5000
         9 A>B UPDATE to=t cseq=2 branch=2 sdp=4002
         20 B>A 200 to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for update in context
        .requests(&Method::Update)
        .filter(|own| own.is_original && own.sdp.is_some())
    {
        let pending = context.requests(&Method::Invite).find(|own| {
            let mut answers = context.responses().filter(|(status, answer)| {
                let answers = answer.sdp.is_some() || *status >= 300;
                answers
                    && answer.method == Method::Invite
                    && answer.cseq == own.cseq
                    && answer.from_tag == own.from_tag
            });
            // An answer that is never seen may be missing in the capture.
            let first = answers.next();
            own.sdp.is_some()
                && own.when() < update.when()
                && first.is_some_and(|(_, answer)| answer.when() > update.when())
        });
        if let Some(pending) = pending {
            found.message(
                update,
                format!(
                    "{} offers while {} waits for its answer",
                    update.told(),
                    pending.called()
                ),
            );
            found.also(pending.at());
            return;
        }
    }
}
