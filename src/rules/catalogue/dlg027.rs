//! A call that was to take the place of another was refused.
//!
//! The dialog that Replaces names is not known where the INVITE arrived: its tags are
//! swapped, a B2BUA gave it another Call-ID, or it has ended.
//!
//! Fix: compare Call-ID and tags of Replaces with the dialog at the device that refused.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "DLG027",
    name: "replaces-failed",
    severity: Severity::Warning,
    rfc: "RFC 3891",
    section: "3",
    symptom: Some("rejected"),
    source: include_str!("dlg027.rs"),
    flags: &["0 A>B INVITE header=Replaces:_x;to-tag=t;from-tag=f
         5 B>A 481 to=t
         6 A>B ACK to=t"],
    accepts: &["0 A>B INVITE header=Replaces:_x;to-tag=t;from-tag=f
         5 B>A 200 to=t
         6 A>B ACK to=t branch=2"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, response, request) in context.answered() {
        let Some(replaces) = request.value(HeaderName::Replaces) else {
            continue;
        };
        if status >= 400
            && !matches!(status, 401 | 407 | 487)
            && response.is_original
            && request.method == Method::Invite
        {
            found.quote(
                request,
                replaces,
                format!(
                    "{} refuses to replace a call: {status}",
                    response.flow().src
                ),
            );
        }
    }
}
