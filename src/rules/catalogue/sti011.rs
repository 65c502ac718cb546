//! A call was refused for its signed caller identity.
//!
//! 428 wants one, 436 could not fetch the certificate, 437 does not trust it, 438 finds that
//! the signature does not fit, 403 that it is too old.
//!
//! Fix: the status says which; compare the claims with From, To and Date.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::StartLine;

pub(super) const RULE: Rule = Rule {
    code: "STI011",
    name: "identity-refused",
    severity: Severity::Warning,
    rfc: "RFC 8224",
    section: "6.2.2",
    symptom: Some("rejected"),
    source: include_str!("sti011.rs"),
    flags: &["0 A>B INVITE
         5 B>A 438 to=t
         6 A>B ACK to=t"],
    accepts: &["0 A>B INVITE
         5 B>A 403 to=t
         6 A>B ACK to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses().filter(|(_, own)| own.is_original) {
        let stale = matches!(message.sip.start_line(), StartLine::Response { reason_phrase, .. } if reason_phrase.eq_ignore_ascii_case(b"stale date"));
        if matches!(status, 428 | 436 | 437 | 438) || (status == 403 && stale) {
            found.message(
                message,
                format!("{} refuses the identity: {status}", message.flow().src),
            );
        }
    }
}
