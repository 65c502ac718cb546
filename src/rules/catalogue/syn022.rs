//! A quote or a bracket in an address is never closed.
//!
//! Where the name ends and the address begins can't be told: receivers answer 400, or
//! route to the wrong place.
//!
//! Fix: quote display names and escape the quotes in them.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN022",
    name: "unbalanced-quote-or-bracket",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "20.10",
    source: include_str!("syn022.rs"),
    flags: &[
        "0 A>B INVITE swap=From:_<sip:a@x>=>From:_\"a_<sip:a@x>",
        "0 A>B INVITE swap=To:_<sip:b@x>=>To:_<sip:b@x",
    ],
    accepts: &["0 A>B INVITE swap=From:_<=>From:_\"a\\\"<\"_<"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    const ADDRESSES: [HeaderName; 6] = [
        HeaderName::From,
        HeaderName::To,
        HeaderName::Contact,
        HeaderName::Route,
        HeaderName::RecordRoute,
        HeaderName::PAssertedIdentity,
    ];
    if (context.parties).all(&ADDRESSES.map(Some), |party| is_balanced(party.field)) {
        return;
    }
    for message in context.originals().filter(|own| own.is_entire()) {
        for field in message.sip.header_fields() {
            if ADDRESSES.contains(&field.kind) && !is_balanced(field.value) {
                let name = octets::text(field.name);
                found.quote(
                    message,
                    field.value,
                    format!("{name} of {} opens what it does not close", message.told()),
                );
            }
        }
    }
}

fn is_balanced(value: &[u8]) -> bool {
    let (mut quoted, mut escaped, mut open) = (false, false, false);
    for &octet in value {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if !open => quoted = !quoted,
            b'<' if !quoted && open => return false,
            b'<' if !quoted => open = true,
            b'>' if !quoted && !open => return false,
            b'>' if !quoted => open = false,
            _ => {}
        }
    }
    !quoted && !open
}
