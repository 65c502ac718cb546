//! A publication was accepted without a name to refresh it by.
//!
//! SIP-ETag of the 200 names it; without it the client can only publish anew, and entries
//! pile up.
//!
//! Fix: let the server send SIP-ETag and Expires.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "SUB012",
    name: "publish-etag",
    severity: Severity::Warning,
    rfc: "RFC 3903",
    section: "6",
    source: include_str!("sub012.rs"),
    flags: &["0 A>B PUBLISH header=Event:_presence header=Expires:_600
         1 B>A 200 to=t method=PUBLISH header=Expires:_600"],
    accepts: &["0 A>B PUBLISH header=Event:_presence header=Expires:_600
         1 B>A 200 to=t method=PUBLISH header=Expires:_600 header=SIP-ETag:_x"],
    needs: Needs::methods(&[Method::Publish]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, message) in context
        .responses()
        .filter(|(_, own)| own.is_original && own.is_success(&Method::Publish) && own.is_entire())
    {
        if message.field_named("SIP-ETag").is_none() {
            found.message(message, format!("{} has no SIP-ETag", message.told()));
            return;
        }
    }
}
