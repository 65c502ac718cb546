//! A CANCEL or the ACK to a failure asks for extensions.
//!
//! Neither can be answered with 420: they must be understood by everybody who understood
//! the INVITE.
//!
//! Fix: leave Require and Proxy-Require out of them.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "SYN039",
    name: "require-in-ack-cancel",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "8.2.2.3",
    source: include_str!("syn039.rs"),
    flags: &["0 A>B INVITE
         5 B>A 180 to=t
         9 A>B CANCEL header=Require:_foo"],
    accepts: &["0 A>B INVITE header=Require:_foo"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals().filter(|own| own.is_request()) {
        let fails = message.method == Method::Ack
            && context.responses().any(|(status, own)| {
                status >= 300 && own.kept.transaction == message.kept.transaction
            });
        if message.method != Method::Cancel && !fails {
            continue;
        }
        for name in ["Require", "Proxy-Require"] {
            if let Some(value) = message.field_named(name) {
                found.quote(message, value, format!("{} has {name}", message.told()));
            }
        }
    }
}
