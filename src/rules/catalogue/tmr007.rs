//! The time of a session changed with a refresh.
//!
//! That is allowed; where it happens each time something on the way rewrites it.
//!
//! Fix: keep the values of the first negotiation.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "TMR007",
    name: "session-timer-changes",
    severity: Severity::Info,
    rfc: "RFC 4028",
    section: "7.4",
    source: include_str!("tmr007.rs"),
    flags: &["0 A>B INVITE
         5 B>A 200 to=t header=Session-Expires:_1800;refresher=uas
         6 A>B ACK to=t branch=2
         9000 B>A UPDATE tag=t to=f branch=5
         9001 A>B 200 tag=t to=f branch=5 method=UPDATE header=Session-Expires:_900;refresher=uac"],
    accepts: &[
        "0 A>B INVITE
         5 B>A 200 to=t header=Session-Expires:_1800;refresher=uas
         6 A>B ACK to=t branch=2
         9000 B>A UPDATE tag=t to=f branch=5
         9001 A>B 200 tag=t to=f branch=5 method=UPDATE header=Session-Expires:_1800;refresher=uac",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let mut last = None;
    for message in context
        .originals()
        .filter(|own| own.is_success(&Method::Invite) || own.is_success(&Method::Update))
    {
        let Some(seconds) = message.number(HeaderName::SessionExpires) else {
            continue;
        };
        if last.is_some_and(|last| last != seconds) {
            let value = message
                .value(HeaderName::SessionExpires)
                .unwrap_or_default();
            found.quote(
                message,
                value,
                format!("{} sets the session to {seconds} s", message.told()),
            );
            return;
        }
        last = Some(seconds);
    }
}
