//! A number in a header field does not fit.
//!
//! Times are numbers of seconds below 2^32, a preference q goes from 0 to 1, a warning has
//! a code of three digits. Receivers use their default instead.
//!
//! Fix: see what computes the value; a negative number that was printed as unsigned is
//! common.

use crate::octets;
use crate::rules::description::words;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;

pub(super) const RULE: Rule = Rule {
    code: "SYN035",
    name: "scalar-out-of-range",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "20",
    source: include_str!("syn035.rs"),
    flags: &[
        "0 A>B REGISTER header=Expires:_4294967296",
        "0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;q=1.5",
    ],
    accepts: &[
        "0 A>B REGISTER header=Expires:_4294967295 header=Contact:_<sip:a@10.0.0.1>;q=1.000;expires=60",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let seconds = |text: &[u8]| {
        octets::decimal(text.trim_ascii()).is_some_and(|own| u32::try_from(own).is_ok())
    };
    for message in context.originals() {
        for name in [
            HeaderName::Expires,
            HeaderName::MinExpires,
            HeaderName::RetryAfter,
        ] {
            let Some(value) = message.value(name) else {
                continue;
            };
            let name = written(name);
            let end = value
                .iter()
                .position(|octet| matches!(octet, b';' | b'('))
                .unwrap_or(value.len());
            if !seconds(octets::span(value, 0, end)) {
                found.quote(
                    message,
                    value,
                    format!(
                        "{name} of {} is no number of seconds below 2^32",
                        message.told()
                    ),
                );
            }
        }
        for value in message.sip.values(HeaderName::Contact) {
            let contact = NameAddr::parse(value);
            if contact.parameters.is_empty() {
                continue;
            }
            let q = contact
                .parameter("q")
                .map(|q| octets::text(q).parse::<f64>().unwrap_or(-1.0));
            if q.is_some_and(|q| !(0.0..=1.0).contains(&q))
                || contact
                    .parameter("expires")
                    .is_some_and(|own| !seconds(own))
            {
                found.quote(
                    message,
                    value,
                    format!(
                        "a Contact of {} has a number that does not fit",
                        message.told()
                    ),
                );
            }
        }
        for value in (message.sip.fields_of(HeaderName::Warning)).map(|own| own.value) {
            let code = words(value).first().copied().unwrap_or_default();
            if code.len() != 3 || octets::decimal(code).is_none() {
                found.quote(
                    message,
                    value,
                    format!("Warning of {} has no code of three digits", message.told()),
                );
            }
        }
    }
}

const fn written(name: HeaderName) -> &'static str {
    match name {
        HeaderName::Expires => "Expires",
        HeaderName::MinExpires => "Min-Expires",
        _ => "Retry-After",
    }
}
