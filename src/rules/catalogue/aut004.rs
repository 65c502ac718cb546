//! A server offers the weaker algorithm first.
//!
//! A client takes the topmost that it knows: here MD5, though SHA-256 stands below.
//!
//! Fix: put the strongest challenge on top.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::auth_parameter;
use crate::sip::header::unquoted;

pub(super) const RULE: Rule = Rule {
    code: "AUT004",
    name: "multi-challenge-order",
    severity: Severity::Info,
    rfc: "RFC 8760",
    section: "2.3",
    source: include_str!("aut004.rs"),
    flags: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\" header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"z\",algorithm=SHA-256"],
    accepts: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"z\",algorithm=SHA-256 header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\""],
    needs: Needs::fields(&[
        HeaderName::WwwAuthenticate,
        HeaderName::ProxyAuthenticate,
    ]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, message) in context.responses().filter(|(_, own)| own.is_original) {
        for name in [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate] {
            let is_sha = |value: &[u8]| {
                auth_parameter(value, "algorithm")
                    .map(unquoted)
                    .is_some_and(|own| own.get(..3) == Some(b"SHA"))
            };
            let challenges = message.fields(name);
            let first = challenges.first().filter(|own| !is_sha(own));
            if let (Some(first), true) = (first, challenges.iter().any(|own| is_sha(own))) {
                found.quote(
                    message,
                    first,
                    format!("{} puts the weaker challenge on top", message.told()),
                );
                return;
            }
        }
    }
}
