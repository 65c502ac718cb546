//! P-Asserted-Identity has values that may not stand together.
//!
//! It holds one SIP address, or one number, or one of each.
//!
//! Fix: let the proxy that asserts the identity replace what was there.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;

pub(super) const RULE: Rule = Rule {
    code: "IDN002",
    name: "pai-malformed",
    severity: Severity::Error,
    rfc: "RFC 3325",
    section: "9.1",
    source: include_str!("idn002.rs"),
    flags: &["0 A>B INVITE header=P-Asserted-Identity:_<sip:a@x>,_<sip:b@x>"],
    accepts: &["0 A>B INVITE header=P-Asserted-Identity:_<sip:a@x>,_<tel:+1>"],
    needs: Needs::fields(&[HeaderName::PAssertedIdentity]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        let values = message.values(HeaderName::PAssertedIdentity);
        let schemes: Vec<Vec<u8>> = values
            .iter()
            .map(|own| {
                NameAddr::parse(own)
                    .parsed_uri()
                    .scheme
                    .to_ascii_lowercase()
            })
            .collect();
        let count = |name: &[&[u8]]| {
            schemes
                .iter()
                .filter(|own| name.contains(&own.as_slice()))
                .count()
        };
        let (sip, tel) = (count(&[b"sip", b"sips"]), count(&[b"tel"]));
        if let Some(first) = values
            .first()
            .filter(|_| sip > 1 || tel > 1 || sip + tel != values.len())
        {
            found.quote(
                message,
                first,
                format!("{} asserts {} identities", message.told(), values.len()),
            );
            return;
        }
    }
}
