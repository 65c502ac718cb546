//! A header field holds octets that are no UTF-8.
//!
//! Names in Latin-1 come out garbled, or the message is refused.
//!
//! Fix: write names and subjects in UTF-8.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SYN036",
    name: "non-utf8-text",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "7",
    source: include_str!("syn036.rs"),
    flags: &["0 A>B INVITE header=Subject:_caf\\xe9"],
    accepts: &["0 A>B INVITE header=Subject:_café"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        if std::str::from_utf8(message.sip.octets()).is_ok() {
            continue;
        }
        let odd = message
            .sip
            .header_fields()
            .iter()
            .find(|field| std::str::from_utf8(field.value).is_err());
        if let Some(field) = odd {
            let name = octets::text(field.name);
            found.quote(
                message,
                field.value,
                format!("{name} of {} is not in UTF-8", message.told()),
            );
        }
    }
}
