//! A challenge lacks what an answer to it needs, or does not quote it.
//!
//! Without realm and nonce no response can be computed; without quotes strict clients do
//! not read them.
//!
//! Fix: write Digest realm="...", nonce="...".

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::auth_parameter;

pub(super) const RULE: Rule = Rule {
    code: "AUT002",
    name: "challenge-malformed",
    severity: Severity::Error,
    rfc: "RFC 7616",
    section: "3.3",
    source: include_str!("aut002.rs"),
    flags: &[
        "0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\"",
        "0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=x,nonce=\"y\"",
    ],
    accepts: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\""],
    needs: Needs::fields(&[HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, message) in context.responses().filter(|(_, own)| own.is_original) {
        for name in [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate] {
            for value in message.fields(name) {
                if !value
                    .get(..6)
                    .is_some_and(|own| own.eq_ignore_ascii_case(b"digest"))
                {
                    continue;
                }
                for part in ["realm", "nonce"] {
                    let fault = match auth_parameter(value, part) {
                        None => "lacks",
                        Some(own) if !own.starts_with(b"\"") => "does not quote",
                        Some(_) => continue,
                    };
                    found.quote(
                        message,
                        value,
                        format!("the challenge of {} {fault} {part}", message.told()),
                    );
                }
            }
        }
    }
}
