//! A refusal carries Record-Route.
//!
//! It makes no dialog, so nothing follows that way.
//!
//! Fix: leave it out of refusals.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "DLG045",
    name: "rr-in-negative-response",
    severity: Severity::Info,
    rfc: "RFC 3261",
    section: "12.1",
    source: include_str!("dlg045.rs"),
    flags: &["0 A>B INVITE
         5 B>A 486 to=t header=Record-Route:_<sip:10.0.0.8;lr>
         6 A>B ACK to=t"],
    accepts: &["0 A>B INVITE
         5 B>A 200 to=t header=Record-Route:_<sip:10.0.0.8;lr>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses().filter(|(_, own)| own.is_original) {
        if let Some(value) = message
            .value(HeaderName::RecordRoute)
            .filter(|_| status >= 300)
        {
            found.quote(
                message,
                value,
                format!("{} has Record-Route", message.told()),
            );
            return;
        }
    }
}
