//! A signed caller identity lacks what a SHAKEN one must have.
//!
//! It says how well the caller is known (attest: A, B or C), a tag of its origin (origid),
//! who calls, who is called, and when.
//!
//! Fix: correct the configuration of the signer.

use crate::rules::passport::Passport;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "STI007",
    name: "attestation-invalid",
    severity: Severity::Error,
    rfc: "RFC 8588",
    section: "4",
    source: include_str!("sti007.rs"),
    flags: &[
        "0 A>B INVITE uri=sip:15552@x swap=From:_<sip:a@x>=>From:_<sip:+15551@x> swap=To:_<sip:b@x>=>To:_<sip:+15552@x> header=Identity:_eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jLmV4YW1wbGUvYyJ9.eyJhdHRlc3QiOiJEIiwiZGVzdCI6eyJ0biI6WyIxNTU1MiJdfSwiaWF0IjoxNzAwMDAwMDAwLCJvcmlnIjp7InRuIjoiMTU1NTEifSwib3JpZ2lkIjoiMTIzZTQ1NjctZTg5Yi0xMmQzLWE0NTYtNDI2NjU1NDQwMDAwIn0.AAAA;info=<https://c.example/c>;ppt=shaken",
        "0 A>B INVITE uri=sip:15552@x swap=From:_<sip:a@x>=>From:_<sip:+15551@x> swap=To:_<sip:b@x>=>To:_<sip:+15552@x> header=Identity:_eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jLmV4YW1wbGUvYyJ9.eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxNTU1MiJdfSwiaWF0IjoxNzAwMDAwMDAwLCJvcmlnIjp7InRuIjoiMTU1NTEifX0.AAAA;info=<https://c.example/c>;ppt=shaken",
    ],
    accepts: &[
        "0 A>B INVITE uri=sip:15552@x swap=From:_<sip:a@x>=>From:_<sip:+15551@x> swap=To:_<sip:b@x>=>To:_<sip:+15552@x> header=Identity:_eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jLmV4YW1wbGUvYyJ9.eyJhdHRlc3QiOiJDIiwiZGVzdCI6eyJ0biI6WyIxNTU1MiJdfSwiaWF0IjoxNzAwMDAwMDAwLCJvcmlnIjp7InRuIjoiMTU1NTEifSwib3JpZ2lkIjoiMTIzZTQ1NjctZTg5Yi0xMmQzLWE0NTYtNDI2NjU1NDQwMDAwIn0.AAAA;info=<https://c.example/c>;ppt=shaken",
    ],
    needs: Needs::fields(&[HeaderName::Identity]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        for own in Passport::all(message)
            .iter()
            .filter(|own| own.kind.as_deref() == Some("shaken"))
        {
            let attest = own.claims.get("attest").and_then(|own| own.as_str());
            let lacking = ["origid", "orig", "dest", "iat"]
                .into_iter()
                .find(|name| own.claims.get(name).is_none());
            let fault = match (attest, lacking) {
                (Some("A" | "B" | "C"), None) => continue,
                (Some("A" | "B" | "C"), Some(name)) => format!("lacks {name}"),
                _ => "does not attest A, B or C".to_owned(),
            };
            found.quote(
                message,
                own.text,
                format!("the identity of {} {fault}", message.told()),
            );
            return;
        }
    }
}
