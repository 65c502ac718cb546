//! A signed caller identity is older than a minute when it arrives.
//!
//! Whoever verifies takes it for a copy of an old one and refuses with 403 Stale Date: the
//! clock of the signer is wrong, or the call was held up.
//!
//! Fix: let the signer keep its clock by NTP.

use crate::rules::passport::Passport;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "STI004",
    name: "passport-stale",
    severity: Severity::Error,
    rfc: "RFC 8224",
    section: "6.2.2",
    symptom: Some("rejected"),
    source: include_str!("sti004.rs"),
    flags: &[
        "61000 A>B INVITE uri=sip:15552@x swap=From:_<sip:a@x>=>From:_<sip:+15551@x> swap=To:_<sip:b@x>=>To:_<sip:+15552@x> header=Identity:_eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jLmV4YW1wbGUvYyJ9.eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxNTU1MiJdfSwiaWF0IjoxNzAwMDAwMDAwLCJvcmlnIjp7InRuIjoiMTU1NTEifSwib3JpZ2lkIjoiMTIzZTQ1NjctZTg5Yi0xMmQzLWE0NTYtNDI2NjU1NDQwMDAwIn0.AAAA;info=<https://c.example/c>;ppt=shaken",
    ],
    accepts: &[
        "59000 A>B INVITE uri=sip:15552@x swap=From:_<sip:a@x>=>From:_<sip:+15551@x> swap=To:_<sip:b@x>=>To:_<sip:+15552@x> header=Identity:_eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jLmV4YW1wbGUvYyJ9.eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxNTU1MiJdfSwiaWF0IjoxNzAwMDAwMDAwLCJvcmlnIjp7InRuIjoiMTU1NTEifSwib3JpZ2lkIjoiMTIzZTQ1NjctZTg5Yi0xMmQzLWE0NTYtNDI2NjU1NDQwMDAwIn0.AAAA;info=<https://c.example/c>;ppt=shaken",
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
        let now = i64::try_from(message.when().as_nanos() / 1_000_000_000).unwrap_or(i64::MAX);
        let passports = Passport::all(message);
        let old = passports
            .iter()
            .find(|own| own.signed_at().is_some_and(|at| (now - at).abs() > 60));
        if let Some(own) = old {
            let age = now - own.signed_at().unwrap_or(now);
            found.quote(
                message,
                own.text,
                format!(
                    "the identity of {} was signed {age} s before",
                    message.told()
                ),
            );
            return;
        }
    }
}
