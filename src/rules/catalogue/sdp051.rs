//! A session description stands inside a body of several parts.
//!
//! Devices that mend addresses on the way do not look there.
//!
//! Fix: nothing, unless media go astray: then look at what should have mended them.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SDP051",
    name: "multipart-sdp-hidden",
    severity: Severity::Info,
    rfc: "RFC 5621",
    section: "4.2",
    source: include_str!("sdp051.rs"),
    flags: &[
        "0 A>B INVITE header=Content-Type:_multipart/mixed;boundary=x body=--x\\r\\nContent-Type:_application/sdp\\r\\n\\r\\nv=0\\r\\n--x--",
    ],
    accepts: &["0 A>B INVITE sdp=4000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, _) in context.descriptions() {
        let kind = message.value(HeaderName::ContentType).unwrap_or_default();
        if kind
            .get(..10)
            .is_some_and(|own| own.eq_ignore_ascii_case(b"multipart/"))
        {
            found.quote(
                message,
                kind,
                format!(
                    "{} hides its session description among other parts",
                    message.told()
                ),
            );
            return;
        }
    }
}
