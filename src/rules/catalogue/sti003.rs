//! The certificate of a signed caller identity is not fetched over HTTPS.
//!
//! Whoever verifies must be sure of what it fetches, and refuses with 436.
//!
//! Fix: publish the certificate at an https address.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::parameter;

pub(super) const RULE: Rule = Rule {
    code: "STI003",
    name: "identity-info-not-https",
    severity: Severity::Warning,
    rfc: "RFC 8225",
    section: "4.3",
    source: include_str!("sti003.rs"),
    flags: &["0 A>B INVITE header=Identity:_eyJh.eyJk.AAAA;info=<http://c.example/c.pem>"],
    accepts: &["0 A>B INVITE header=Identity:_eyJh.eyJk.AAAA;info=<https://c.example/c.pem>"],
    needs: Needs::fields(&[HeaderName::Identity]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        // RFC 4474 had another Identity: a signature alone.
        let signed = message.fields(HeaderName::Identity).into_iter();
        for value in signed.filter(|own| own.contains(&b'.')) {
            let end = memchr::memchr(b';', value).unwrap_or(value.len());
            let Some(info) = parameter(octets::from(value, end), "info") else {
                continue;
            };
            if !info.to_ascii_lowercase().starts_with(b"<https://") {
                found.quote(
                    message,
                    info,
                    format!(
                        "Identity of {} has its certificate at {}",
                        message.told(),
                        octets::text(info)
                    ),
                );
            }
        }
    }
}
