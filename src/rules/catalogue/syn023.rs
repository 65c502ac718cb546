//! A display name holds characters that must stand in quotes.
//!
//! Without quotes a display name is made of words; an at sign, a comma or a bracket in it
//! makes strict receivers answer 400.
//!
//! Fix: put display names in quotes.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN023",
    name: "display-name-unquoted",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "20.10",
    is_tolerated: true,
    source: include_str!("syn023.rs"),
    flags: &["0 A>B INVITE swap=From:_<=>From:_Bell,_A._<"],
    accepts: &["0 A>B INVITE swap=From:_<=>From:_A._Bell_<"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals().filter(|own| !own.kept.is_cut) {
        for (name, kind) in [
            ("From", HeaderName::From),
            ("To", HeaderName::To),
            ("Contact", HeaderName::Contact),
        ] {
            for value in message.sip.fields_of(kind).map(|field| field.value) {
                if matches!(value.first(), Some(b'<' | b'"')) {
                    continue;
                }
                let display =
                    octets::span(value, 0, memchr::memchr(b'<', value).unwrap_or(0)).trim_ascii();
                let plain = |octet: &u8| {
                    octet.is_ascii_alphanumeric() || b"-.!%*_+`'~ \t\r\n".contains(octet)
                };
                if value != b"*" && !display.starts_with(b"\"") && !display.iter().all(plain) {
                    found.quote(
                        message,
                        display,
                        format!(
                            "the display name in {name} of {} needs quotes",
                            message.told()
                        ),
                    );
                }
            }
        }
    }
}
