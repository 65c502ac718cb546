//! A request to a sips URI names a Contact that is only sip.
//!
//! What follows inside the dialog would leave the protected way that sips promises.
//!
//! Fix: name a sips Contact, or call a sip URI.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::Uri;

pub(super) const RULE: Rule = Rule {
    code: "SYN031",
    name: "contact-sips-required",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.1.1.8",
    source: include_str!("syn031.rs"),
    flags: &["0 A>B INVITE uri=sips:b@x"],
    accepts: &["0 A>B INVITE uri=sips:b@x header=Contact:_<sips:a@10.0.0.1>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals().filter(|own| own.is_request()) {
        let scheme =
            |uri: &[u8], name: &str| Uri::parse(uri).scheme.eq_ignore_ascii_case(name.as_bytes());
        let makes = matches!(
            message.method,
            Method::Invite | Method::Subscribe | Method::Refer
        );
        let Some(contact) = message.sip.contact().filter(|_| makes) else {
            continue;
        };
        if scheme(message.request_uri(), "sips") && scheme(contact.uri, "sip") {
            found.quote(
                message,
                contact.uri,
                format!(
                    "{} asks of a sips URI and names a sip Contact",
                    message.told()
                ),
            );
        }
    }
}
