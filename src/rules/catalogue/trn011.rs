//! The answer to a request for a sips URI names a Contact that is only sip.
//!
//! What follows inside the dialog would leave the protected way that sips promises.
//!
//! Fix: let the callee name a sips Contact.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::Uri;

pub(super) const RULE: Rule = Rule {
    code: "TRN011",
    name: "sips-contact-downgrade",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "12.1.1",
    source: include_str!("trn011.rs"),
    flags: &["0 A>B INVITE uri=sips:b@x header=Contact:_<sips:a@10.0.0.1>
         9 B>A 200 to=t"],
    accepts: &["0 A>B INVITE uri=sips:b@x header=Contact:_<sips:a@10.0.0.1>
         9 B>A 200 to=t header=Contact:_<sips:b@10.0.0.2>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, response, request) in context
        .answered()
        .filter(|(_, own, _)| own.is_success(&Method::Invite) && own.is_original)
    {
        let Some(contact) = response.sip.contact() else {
            continue;
        };
        let scheme = |uri: &[u8]| Uri::parse(uri).scheme.to_ascii_lowercase();
        if scheme(request.request_uri()) == b"sips" && scheme(contact.uri) == b"sip" {
            found.quote(
                response,
                contact.uri,
                format!("{} names a sip Contact for a sips URI", response.told()),
            );
        }
    }
}
