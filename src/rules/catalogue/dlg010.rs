//! A side goes on with a dialog that the other has said it does not know.
//!
//! After 481 or 408 to a request inside it the dialog is over.
//!
//! Fix: end the call at this side; see why the other lost its state.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "DLG010",
    name: "continue-after-481",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "12.2.1.2",
    source: include_str!("dlg010.rs"),
    flags: &["0 A>B INVITE to=t cseq=2
         5 B>A 481 to=t cseq=2
         6 A>B ACK to=t cseq=2 uri=sip:10.0.0.2
         3000 A>B INVITE to=t cseq=3 branch=3"],
    accepts: &["0 A>B INVITE to=t cseq=2
         5 B>A 481 to=t cseq=2
         6 A>B ACK to=t cseq=2 uri=sip:10.0.0.2
         3000 A>B BYE to=t cseq=3 branch=3"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, response, request) in context.answered() {
        if status != 481
            || !request.is_inside()
            || matches!(
                request.method,
                Method::Bye | Method::Cancel | Method::Notify
            )
        {
            continue;
        }
        let goes_on = context.inside().find(|own| {
            own.when().since(response.when()) > SECOND / 2
                && own.from_tag == request.from_tag
                && own.to_tag == request.to_tag
                && matches!(
                    own.method,
                    Method::Invite | Method::Update | Method::Info | Method::Refer
                )
        });
        if let Some(own) = goes_on {
            found.message(own, format!("{} goes on after {status}", own.told()));
            return;
        }
    }
}
