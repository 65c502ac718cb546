//! A header field that may stand once stands twice.
//!
//! Who reads the first and who reads the last take the message for two different ones;
//! that is how calls are mixed up, and how filters are passed by.
//!
//! Fix: whatever added the second must replace the first.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN006",
    name: "duplicate-singleton-header",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "7.3.1",
    source: include_str!("syn006.rs"),
    flags: &["0 A>B INVITE header=To:_<sip:c@x>"],
    accepts: &["0 A>B INVITE header=Record-Route:_<sip:p;lr> header=Record-Route:_<sip:q;lr>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    const ONCE: [HeaderName; 14] = [
        HeaderName::To,
        HeaderName::From,
        HeaderName::CallId,
        HeaderName::CSeq,
        HeaderName::MaxForwards,
        HeaderName::ContentLength,
        HeaderName::ContentType,
        HeaderName::Event,
        HeaderName::RSeq,
        HeaderName::RAck,
        HeaderName::SessionExpires,
        HeaderName::MinSe,
        HeaderName::ReferTo,
        HeaderName::Replaces,
    ];
    let once = ONCE.iter().fold(0, |bits, name| bits | name.bit());
    for message in context.originals() {
        let mut met = 0;
        for field in message.sip.header_fields() {
            let bit = field.kind.bit() & once;
            if bit & met != 0 {
                let name = octets::text(field.name);
                found.quote(
                    message,
                    field.value,
                    format!("{} has {name} twice", message.told()),
                );
                break;
            }
            met |= bit;
        }
    }
}
