//! A call of more than half an hour had no session timer.
//!
//! If one side had vanished the other would not have noticed.
//!
//! Fix: enable session timers at one side.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "TMR006",
    name: "no-session-timer",
    severity: Severity::Info,
    rfc: "RFC 4028",
    section: "3",
    source: include_str!("tmr006.rs"),
    flags: &["0 A>B INVITE
         5 B>A 200 to=t
         6 A>B ACK to=t branch=2
         1900000 A>B BYE to=t branch=9 cseq=2"],
    accepts: &["0 A>B INVITE
         5 B>A 200 to=t
         6 A>B ACK to=t branch=2
         1700000 A>B BYE to=t branch=9 cseq=2"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let call = context.call();
    let bye = context.requests(&Method::Bye).next();
    let answer = context
        .originals()
        .find(|own| own.is_success(&Method::Invite));
    if let (Some(bye), Some(answer), None) = (bye, answer, &call.session_timer)
        && bye.when().since(answer.when()) > 1800 * SECOND
    {
        found.add(
            "the call lasted more than half an hour without a session timer",
            [call.first],
        );
    }
}
