//! A side sends a re-INVITE while its last INVITE is not answered yet.
//!
//! It must wait; the other side answers 500.
//!
//! Fix: wait for the final response before the session is changed again.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "DLG018",
    name: "reinvite-overlap",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "14.1",
    source: include_str!("dlg018.rs"),
    flags: &["0 A>B INVITE to=t cseq=2
         900 A>B INVITE to=t cseq=3 branch=3
         1000 B>A 200 to=t cseq=2"],
    accepts: &["0 A>B INVITE to=t cseq=2
         800 B>A 200 to=t cseq=2
         900 A>B INVITE to=t cseq=3 branch=3"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let invites: Vec<_> = context
        .requests(&Method::Invite)
        .filter(|own| own.is_original)
        .collect();
    for (place, invite) in invites
        .iter()
        .enumerate()
        .filter(|(_, own)| own.is_inside())
    {
        let pending = invites.iter().take(place).find(|own| {
            let answer = context.responses().find(|(status, answer)| {
                *status >= 200
                    && answer.method == Method::Invite
                    && answer.cseq == own.cseq
                    && answer.from_tag == own.from_tag
            });
            // An answer that is never seen may be missing in the capture.
            own.from_tag == invite.from_tag
                && answer.is_some_and(|(_, answer)| answer.when() > invite.when())
        });
        if let Some(pending) = pending {
            found.message(
                invite,
                format!("{} while the INVITE before it waits", invite.told()),
            );
            found.also(pending.at());
        }
    }
}
