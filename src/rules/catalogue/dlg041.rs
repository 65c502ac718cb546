//! An INVITE inside a dialog that was refused as unknown is taken as if it began a call.
//!
//! A 481 would have told the other side to begin anew. Here the dialog ended before, and the
//! INVITE was answered all the same.
//!
//! Fix: answer 481 to what names a dialog that is over.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "DLG041",
    name: "invite-with-totag-unknown",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "12.2.2",
    source: include_str!("dlg041.rs"),
    flags: &["0 A>B INVITE
         5 B>A 200 to=t
         6 A>B ACK to=t branch=2
         900 A>B BYE to=t cseq=2 branch=9
         901 B>A 200 to=t cseq=2 branch=9 method=BYE
         3000 A>B INVITE to=t cseq=3 branch=3
         3005 B>A 200 to=t cseq=3 branch=3"],
    accepts: &["0 A>B INVITE
         5 B>A 200 to=t
         6 A>B ACK to=t branch=2
         900 A>B BYE to=t cseq=2 branch=9
         901 B>A 200 to=t cseq=2 branch=9 method=BYE
         3000 A>B INVITE to=t cseq=3 branch=3
         3005 B>A 481 to=t cseq=3 branch=3"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let Some((_, bye)) = context
        .responses()
        .find(|(_, own)| own.is_success(&Method::Bye))
    else {
        return;
    };
    let tags = [bye.from_tag, bye.to_tag];
    let answered = context.answered().find(|(_, own, invite)| {
        own.is_success(&Method::Invite)
            && invite.is_inside()
            && tags.contains(&invite.from_tag)
            && tags.contains(&invite.to_tag)
            && invite.when().since(bye.when()) > SECOND
    });
    if let Some((_, answer, _)) = answered {
        found.message(
            answer,
            format!(
                "{} takes an INVITE of a dialog that had ended",
                answer.told()
            ),
        );
        found.also(bye.at());
    }
}
