//! A request to a sips URI travels unprotected.
//!
//! sips promises TLS on every hop. Here anybody on the way can read it.
//!
//! Fix: let this hop use TLS, or call a sip URI.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TRN010",
    name: "sips-over-cleartext",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "26.2.2",
    source: include_str!("trn010.rs"),
    flags: &["0 A>B INVITE uri=sips:b@x header=Contact:_<sips:a@10.0.0.1>"],
    accepts: &["0 A>B INVITE uri=sip:b@x"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn is_sips(uri: &[u8]) -> bool {
    (uri.get(..5)).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"sips:"))
}

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.messages.iter().filter(|own| own.is_request()) {
        let uri = message.request_uri();
        if is_sips(uri) {
            found.quote(
                message,
                uri,
                format!(
                    "{} asks of a sips URI over plain {}",
                    message.told(),
                    message.flow().transport.name()
                ),
            );
            return;
        }
    }
}
