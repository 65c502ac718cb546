//! An answer does not give back the Record-Route of its INVITE.
//!
//! The caller then does not know which proxies want to see what follows: ACK and BYE pass
//! by them and do not arrive.
//!
//! Fix: whoever answers must copy every Record-Route in order.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "DLG042",
    name: "record-route-not-echoed",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "12.1.1",
    causes: &["DLG002", "TXN014", "DLG037"],
    source: include_str!("dlg042.rs"),
    flags: &["0 A>B INVITE header=Record-Route:_<sip:10.0.0.8;lr>
         5 B>A 200 to=t"],
    accepts: &["0 A>B INVITE header=Record-Route:_<sip:10.0.0.8;lr>
         5 B>A 200 to=t header=Record-Route:_<sip:10.0.0.8;lr>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, response, request) in context
        .answered()
        .filter(|(_, own, _)| own.is_original && own.is_entire())
    {
        let (asked, told) = (
            request.values(HeaderName::RecordRoute).len(),
            response.values(HeaderName::RecordRoute).len(),
        );
        if response.is_success(&Method::Invite) && told < asked && !request.is_inside() {
            found.message(
                response,
                format!("{} has {told} of {asked} Record-Routes", response.told()),
            );
        }
    }
}
