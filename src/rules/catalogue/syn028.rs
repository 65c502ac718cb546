//! An address with a question mark stands without brackets.
//!
//! Without brackets nobody can tell what belongs to the URI and what to the header field.
//!
//! Fix: put the URI between < and >.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SYN028",
    name: "addr-spec-needs-brackets",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "20",
    source: include_str!("syn028.rs"),
    flags: &["0 A>B REGISTER header=Contact:_sip:a@10.0.0.1?Route=x"],
    accepts: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1?Route=x>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        for name in ["From", "To", "Contact", "Route", "Record-Route", "Refer-To"] {
            for value in message.fields(name) {
                if !value.contains(&b'<') && value.contains(&b'?') {
                    found.quote(
                        message,
                        value,
                        format!("{name} of {} needs brackets", message.told()),
                    );
                }
            }
        }
    }
}
