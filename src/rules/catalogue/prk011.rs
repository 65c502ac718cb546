//! The two sides could not agree on reliable provisional responses.
//!
//! One of them requires 100rel and the other refuses it.
//!
//! Fix: set 100rel to supported, not required, at the side that insists.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "PRK011",
    name: "100rel-rejected",
    severity: Severity::Warning,
    rfc: "RFC 3262",
    section: "4",
    symptom: Some("rejected"),
    source: include_str!("prk011.rs"),
    flags: &[
        "0 A>B INVITE header=Require:_100rel
         5 B>A 420 to=t header=Unsupported:_100rel
         6 A>B ACK to=t",
        "0 A>B INVITE
         5 B>A 421 to=t header=Require:_100rel
         6 A>B ACK to=t",
    ],
    accepts: &["0 A>B INVITE header=Require:_foo
         5 B>A 420 to=t header=Unsupported:_foo
         6 A>B ACK to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses().filter(|(_, own)| own.is_original) {
        let name = match status {
            420 => "Unsupported",
            421 => "Require",
            _ => continue,
        };
        let value = message
            .field_named(name)
            .filter(|own| octets::text(own).to_ascii_lowercase().contains("100rel"));
        if let Some(value) = value {
            found.quote(message, value, format!("{} about 100rel", message.told()));
        }
    }
}
