//! A side hung up because a change of the session was refused.
//!
//! A refused re-INVITE changes nothing: the call goes on as before.
//!
//! Fix: keep the session as it was; look at why the change was refused.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "DLG021",
    name: "failed-reinvite-kills-call",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "14.1",
    source: include_str!("dlg021.rs"),
    flags: &["0 A>B INVITE to=t cseq=2
         5 B>A 488 to=t cseq=2
         6 A>B ACK to=t cseq=2
         300 A>B BYE to=t cseq=3 branch=9"],
    accepts: &["0 A>B INVITE to=t cseq=2
         5 B>A 488 to=t cseq=2
         6 A>B ACK to=t cseq=2
         9000 A>B BYE to=t cseq=3 branch=9"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, response, request) in context.answered() {
        let refused = status >= 300
            && !matches!(status, 401 | 407 | 408 | 481 | 487 | 491)
            && request.is_inside()
            && request.method == Method::Invite;
        let bye = context
            .requests(&Method::Bye)
            .find(|own| own.from_tag == request.from_tag && own.when() > response.when());
        if let Some(bye) =
            bye.filter(|own| refused && own.when().since(response.when()) < 2 * SECOND)
        {
            found.message(
                bye,
                format!("{} right after {}", bye.told(), response.called()),
            );
            return;
        }
    }
}
