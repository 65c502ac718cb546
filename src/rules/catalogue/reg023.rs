//! The way to a registered device is broken.
//!
//! The edge proxy answers 430: the connection or the NAT mapping that the device registered
//! over is gone, and the device has not made a new one yet.
//!
//! Fix: shorten the keep-alives of the device; let it register again at once when one is
//! not answered.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "REG023",
    name: "flow-failed",
    severity: Severity::Warning,
    rfc: "RFC 5626",
    section: "5.3",
    symptom: Some("not-reachable"),
    source: include_str!("reg023.rs"),
    flags: &["0 A>B INVITE
         1 B>A 430 to=t
         2 A>B ACK to=t"],
    accepts: &["0 A>B INVITE
         1 B>A 480 to=t
         2 A>B ACK to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses() {
        if status == 430 && message.is_original {
            found.message(
                message,
                format!(
                    "{} has lost the way to the device: 430 to {}",
                    message.flow().src,
                    message.method.as_str()
                ),
            );
        }
    }
}
