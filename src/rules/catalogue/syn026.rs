//! The Request-URI carries header fields or a method.
//!
//! Those belong into links, not into requests: whoever made the request copied a link
//! without making a request of it.
//!
//! Fix: turn the header fields of the link into header fields of the request.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Uri;

pub(super) const RULE: Rule = Rule {
    code: "SYN026",
    name: "ruri-has-headers",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "19.1.1",
    source: include_str!("syn026.rs"),
    flags: &[
        "0 A>B INVITE uri=sip:b@x?Route=y",
        "0 A>B INVITE uri=sip:b@x;method=BYE",
    ],
    accepts: &["0 A>B INVITE uri=sip:b%3F@x;user=phone"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals().filter(|own| own.is_request()) {
        let uri = message.request_uri();
        if !uri.iter().any(|octet| matches!(octet, b';' | b'?')) {
            continue;
        }
        let parsed = Uri::parse(uri);
        if parsed.rest.contains(&b'?') || parsed.parameter("method").is_some() {
            found.quote(
                message,
                uri,
                format!("the Request-URI of {} has parts of a link", message.told()),
            );
        }
    }
}
