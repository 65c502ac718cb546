//! A part of a message is far longer than anybody expects.
//!
//! Proxies have limits of their own, and drop or cut what passes them: headers of 8 kB, a
//! URI of 512 octets, a Call-ID of 256, 64 Vias.
//!
//! Fix: look for a loop that adds to the message at each turn, or for an attack.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SYN041",
    name: "oversized-element",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "7",
    source: include_str!("syn041.rs"),
    flags: &["0 A>B INVITE via=65"],
    accepts: &["0 A>B INVITE via=64"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        // Nothing of a short message is long.
        if message.sip.octets().len() <= 128 {
            continue;
        }
        let long = message
            .sip
            .header_fields()
            .iter()
            .find(|field| field.value.len() > 8192);
        let name = if message.sip.via_count() > 64 {
            "more than 64 Vias".to_owned()
        } else if let Some(field) = long {
            format!(
                "{} octets of {}",
                field.value.len(),
                octets::text(field.name)
            )
        } else if message.request_uri().len() > 512 {
            format!("a Request-URI of {} octets", message.request_uri().len())
        } else if message.sip.call_id().is_some_and(|own| own.len() > 256) {
            "a Call-ID of more than 256 octets".to_owned()
        } else {
            continue;
        };
        found.message(message, format!("{} has {name}", message.told()));
        return;
    }
}
