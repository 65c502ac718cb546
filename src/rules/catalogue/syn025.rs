//! The Request-URI is of a scheme that SIP elements do not route.
//!
//! They answer 416.
//!
//! Fix: dial a sip, sips or tel URI.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SYN025",
    name: "uri-scheme-unknown",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "8.2.2.1",
    source: include_str!("syn025.rs"),
    flags: &["0 A>B INVITE uri=nobody:b@x"],
    accepts: &["0 A>B INVITE uri=tel:+4940"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    const KNOWN: [&str; 9] = [
        "sip", "sips", "tel", "urn", "im", "pres", "http", "https", "data",
    ];
    for message in context.originals() {
        let uri = message.request_uri();
        let Some(colon) = memchr::memchr(b':', uri) else {
            continue;
        };
        let scheme = octets::text(octets::span(uri, 0, colon));
        if !KNOWN.iter().any(|known| scheme.eq_ignore_ascii_case(known)) && message.is_original {
            found.quote(
                message,
                uri,
                format!("{} asks of a URI of scheme {scheme}", message.told()),
            );
        }
    }
}
