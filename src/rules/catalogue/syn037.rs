//! A body in several parts can't be taken apart.
//!
//! It needs a boundary, and ends with the boundary between two pairs of dashes. Without
//! them the session description inside is not found.
//!
//! Fix: see what rebuilt the body; an ALG or an SBC that changed one part did not mend the
//! rest.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::ContentType;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN037",
    name: "mime-multipart-broken",
    severity: Severity::Error,
    rfc: "RFC 2046",
    section: "5.1",
    source: include_str!("syn037.rs"),
    flags: &[
        "0 A>B INVITE header=Content-Type:_multipart/mixed body=--x\\r\\n\\r\\na\\r\\n--x--",
        "0 A>B INVITE header=Content-Type:_multipart/mixed;boundary=y body=--x\\r\\n\\r\\na\\r\\n--x--",
    ],
    accepts: &[
        "0 A>B INVITE header=Content-Type:_multipart/mixed;boundary=x body=--x\\r\\n\\r\\na\\r\\n--x--",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals().filter(|own| own.is_entire()) {
        let Some(value) = message.value(HeaderName::ContentType) else {
            continue;
        };
        let kind = ContentType::parse(value);
        let head = kind.media_type.get(..10).unwrap_or_default();
        if !head.eq_ignore_ascii_case(b"multipart/") || message.sip.body().is_empty() {
            continue;
        }
        let fault = match kind.boundary() {
            None => "names no boundary",
            Some(boundary) => {
                let end = [b"--", boundary, b"--"].concat();
                if memchr::memmem::find(message.sip.body(), &end).is_some() {
                    continue;
                }
                "never ends with its boundary"
            }
        };
        found.quote(
            message,
            value,
            format!("the body of {} {fault}", message.told()),
        );
    }
}
