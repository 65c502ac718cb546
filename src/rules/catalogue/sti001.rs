//! A signed caller identity can't be taken apart.
//!
//! It is three parts in base64url between full stops, then info with the address of the
//! certificate. Something cut or rewrote it, and the call counts as unsigned.
//!
//! Fix: let proxies pass Identity on octet by octet; use TCP, for it is long.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::parameter;

pub(super) const RULE: Rule = Rule {
    code: "STI001",
    name: "identity-malformed",
    severity: Severity::Error,
    rfc: "RFC 8224",
    section: "4",
    source: include_str!("sti001.rs"),
    flags: &[
        "0 A>B INVITE header=Identity:_eyJh.eyJk",
        "0 A>B INVITE header=Identity:_eyJh.eyJk.AAAA",
    ],
    accepts: &[
        "0 A>B INVITE header=Identity:_eyJh.eyJk.AAAA;info=<https://c.example/c.pem>;alg=ES256",
        "0 A>B INVITE header=Identity:_..AAAA;info=<https://c.example/c.pem>",
    ],
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
            let parts: Vec<&[u8]> = octets::span(value, 0, end)
                .trim_ascii()
                .split(|octet| *octet == b'.')
                .collect();
            let good = parts.len() == 3
                && parts
                    .iter()
                    .all(|own| data_encoding::BASE64URL_NOPAD.decode(own).is_ok());
            let fault = if !good {
                "is not three parts in base64url"
            } else if parameter(octets::from(value, end), "info").is_none() {
                "names no certificate (info)"
            } else {
                continue;
            };
            found.quote(
                message,
                octets::span(value, 0, 40),
                format!("Identity of {} {fault}", message.told()),
            );
        }
    }
}
