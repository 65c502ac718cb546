//! A URI asks for TLS by transport=tls.
//!
//! That form was withdrawn; sips or DNS says it now. Most programs still read it.
//!
//! Fix: nothing, as long as both ends understand it.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Uri;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "TRN012",
    name: "transport-param-tls",
    severity: Severity::Info,
    rfc: "RFC 5630",
    section: "3.1.4",
    source: include_str!("trn012.rs"),
    flags: &["0 A>B INVITE header=Contact:_<sip:a@10.0.0.1;transport=tls>"],
    accepts: &["0 A>B INVITE header=Contact:_<sip:a@10.0.0.1;transport=tcp>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let names = [None, Some(HeaderName::Contact)];
    if (context.parties).all(&names, |party| !names_tls(party.uri())) {
        return;
    }
    for message in context.originals() {
        let contact = message.sip.contact().map(|own| own.uri);
        for uri in [Some(message.request_uri()), contact].into_iter().flatten() {
            if names_tls(Uri::parse(uri)) {
                found.quote(
                    message,
                    uri,
                    format!("{} names transport=tls", message.told()),
                );
                return;
            }
        }
    }
}

fn names_tls(uri: Uri<'_>) -> bool {
    let transport = uri.parameter("transport");
    transport.is_some_and(|own| own.eq_ignore_ascii_case(b"tls"))
}
