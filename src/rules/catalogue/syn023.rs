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
    const NAMES: [(&str, HeaderName); 3] = [
        ("From", HeaderName::From),
        ("To", HeaderName::To),
        ("Contact", HeaderName::Contact),
    ];
    let names = NAMES.map(|(_, kind)| Some(kind));
    if (context.parties).all(&names, |party| odd_display(party.field).is_none()) {
        return;
    }
    for message in context.originals().filter(|own| !own.kept.is_cut) {
        for (name, kind) in NAMES {
            for field in message.sip.fields_of(kind) {
                if let Some(display) = odd_display(field.value) {
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

/// The display name of a value, if it needs quotes and has none.
fn odd_display(value: &[u8]) -> Option<&[u8]> {
    if matches!(value.first(), Some(b'<' | b'"')) {
        return None;
    }
    let end = memchr::memchr(b'<', value).unwrap_or(0);
    let display = octets::span(value, 0, end).trim_ascii();
    let plain = |octet: &u8| octet.is_ascii_alphanumeric() || b"-.!%*_+`'~ \t\r\n".contains(octet);
    let is_odd = value != b"*" && !display.starts_with(b"\"") && !display.iter().all(plain);
    is_odd.then_some(display)
}
