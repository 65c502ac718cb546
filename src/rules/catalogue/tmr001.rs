//! A session is to last less than it may.
//!
//! 90 seconds are the least, or what Min-SE says; the other side refuses with 422.
//!
//! Fix: set the session timer to 90 or more; 1800 is usual.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "TMR001",
    name: "session-expires-below-min",
    severity: Severity::Error,
    rfc: "RFC 4028",
    section: "4",
    source: include_str!("tmr001.rs"),
    flags: &[
        "0 A>B INVITE header=Session-Expires:_60",
        "0 A>B INVITE header=Session-Expires:_120 header=Min-SE:_300",
    ],
    accepts: &["0 A>B INVITE header=Session-Expires:_90 header=Min-SE:_90"],
    needs: Needs::fields(&[HeaderName::SessionExpires]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        let Some(seconds) = message.number(HeaderName::SessionExpires) else {
            continue;
        };
        let least = message.number(HeaderName::MinSe).unwrap_or(90).max(90);
        if seconds < least {
            let value = message
                .value(HeaderName::SessionExpires)
                .unwrap_or_default();
            found.quote(
                message,
                value,
                format!(
                    "{} asks for a session of {seconds} s; {least} s are the least",
                    message.told()
                ),
            );
            return;
        }
    }
}
