//! A header field goes on in the next line.
//!
//! That is allowed, and hardly used any more; some devices and ALGs read the second line
//! as a field of its own.
//!
//! Fix: write each header field in one line.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SYN021",
    name: "folded-header",
    severity: Severity::Info,
    rfc: "RFC 3261",
    section: "7.3.1",
    source: include_str!("syn021.rs"),
    flags: &["0 A>B INVITE header=Subject:_a\\r\\n_b"],
    accepts: &["0 A>B INVITE header=Subject:_a_b"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals().filter(|own| own.sip.is_folded()) {
        let folded = message
            .sip
            .header_fields()
            .iter()
            .find(|field| field.value.contains(&b'\n'));
        if let Some(field) = folded {
            let name = octets::text(field.name);
            found.quote(
                message,
                field.value,
                format!("{name} of {} is folded", message.told()),
            );
        }
    }
}
