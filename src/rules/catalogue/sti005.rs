//! A signed caller identity is of another number than the caller shows.
//!
//! Whoever verifies refuses with 438: somebody changed the number after it was signed.
//!
//! Fix: sign after the number is final, or leave it as it was signed.

use crate::octets;
use crate::rules::passport::Passport;
use crate::rules::passport::digits;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;

pub(super) const RULE: Rule = Rule {
    code: "STI005",
    name: "passport-origin-mismatch",
    severity: Severity::Error,
    rfc: "RFC 8224",
    section: "6.2.2",
    symptom: Some("rejected"),
    source: include_str!("sti005.rs"),
    flags: &[
        "0 A>B INVITE uri=sip:15552@x swap=From:_<sip:a@x>=>From:_<sip:+15551@x> swap=To:_<sip:b@x>=>To:_<sip:+15552@x> header=Identity:_eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jLmV4YW1wbGUvYyJ9.eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxNTU1MiJdfSwiaWF0IjoxNzAwMDAwMDAwLCJvcmlnIjp7InRuIjoiMTU1NTkifSwib3JpZ2lkIjoiMTIzZTQ1NjctZTg5Yi0xMmQzLWE0NTYtNDI2NjU1NDQwMDAwIn0.AAAA;info=<https://c.example/c>;ppt=shaken",
    ],
    accepts: &[
        "0 A>B INVITE uri=sip:15552@x swap=From:_<sip:a@x>=>From:_<sip:+15551@x> swap=To:_<sip:b@x>=>To:_<sip:+15552@x> header=Identity:_eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jLmV4YW1wbGUvYyJ9.eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxNTU1MiJdfSwiaWF0IjoxNzAwMDAwMDAwLCJvcmlnIjp7InRuIjoiMTU1NTEifSwib3JpZ2lkIjoiMTIzZTQ1NjctZTg5Yi0xMmQzLWE0NTYtNDI2NjU1NDQwMDAwIn0.AAAA;info=<https://c.example/c>;ppt=shaken",
    ],
    needs: Needs::fields(&[HeaderName::Identity]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Invite)
        .filter(|own| own.is_original)
    {
        let passports = Passport::all(message);
        if passports.is_empty() {
            continue;
        }
        let asserted = message.values(HeaderName::PAssertedIdentity);
        let parties = message
            .sip
            .from()
            .into_iter()
            .chain(asserted.iter().map(|own| NameAddr::parse(own)));
        let shown: Vec<String> = parties
            .map(|own| digits(&octets::text(own.parsed_uri().user_name())))
            .collect();
        for own in passports {
            let Some(origin) = own.origin() else { continue };
            if own.kind.as_deref() != Some("div")
                && !shown.contains(&origin)
                && shown.iter().any(|own| !own.is_empty())
            {
                found.quote(
                    message,
                    own.text,
                    format!(
                        "the identity of {} is of {origin}, shown is {}",
                        message.told(),
                        shown.join(", ")
                    ),
                );
                return;
            }
        }
    }
}
