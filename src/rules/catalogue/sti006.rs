//! A signed caller identity is for another number than is called.
//!
//! It may have been made for another call. A call that was diverted needs a second identity
//! (div, RFC 8946) that says so.
//!
//! Fix: sign with the number as it is dialled; add div where a call is diverted.

use crate::octets;
use crate::rules::passport::Passport;
use crate::rules::passport::digits;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::Uri;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "STI006",
    name: "passport-target-mismatch",
    severity: Severity::Error,
    rfc: "RFC 8224",
    section: "6.2.2",
    symptom: Some("rejected"),
    source: include_str!("sti006.rs"),
    flags: &[
        "0 A>B INVITE uri=sip:15552@x swap=From:_<sip:a@x>=>From:_<sip:+15551@x> swap=To:_<sip:b@x>=>To:_<sip:+15552@x> header=Identity:_eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jLmV4YW1wbGUvYyJ9.eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxNTU1OSJdfSwiaWF0IjoxNzAwMDAwMDAwLCJvcmlnIjp7InRuIjoiMTU1NTEifSwib3JpZ2lkIjoiMTIzZTQ1NjctZTg5Yi0xMmQzLWE0NTYtNDI2NjU1NDQwMDAwIn0.AAAA;info=<https://c.example/c>;ppt=shaken",
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
        // What was diverted has a chain of them.
        if passports
            .iter()
            .any(|own| own.kind.as_deref() == Some("div"))
        {
            continue;
        }
        let to = message.sip.to().map(|own| own.parsed_uri());
        let uris = [Some(Uri::parse(message.request_uri())), to];
        let called: Vec<String> = uris
            .into_iter()
            .flatten()
            .map(|own| digits(&octets::text(own.user_name())))
            .collect();
        for own in &passports {
            let targets = own.targets();
            if !targets.is_empty()
                && !called.iter().any(|own| targets.contains(own))
                && called.iter().any(|own| !own.is_empty())
            {
                found.quote(
                    message,
                    own.text,
                    format!(
                        "the identity of {} is for {}, called is {}",
                        message.told(),
                        targets.join(", "),
                        called.join(", ")
                    ),
                );
                return;
            }
        }
    }
}
