//! A datagram ends before the empty line that ends the header section.
//!
//! Something cut it: a limit on the length of datagrams, or a device that rewrote it.
//!
//! Fix: compare with a capture at the sender; where the message is entire there, look at
//! what lies between.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Anomaly;

pub(super) const RULE: Rule = Rule {
    code: "SYN019",
    name: "header-section-unterminated",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "7",
    source: include_str!("syn019.rs"),
    flags: &["0 A>B OPTIONS swap=\\r\\n\\r\\n=>\\r\\n"],
    accepts: &["0 A>B OPTIONS"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        let open = message.sip.anomalies().contains(&Anomaly::NoBlankLine);
        if open && message.is_udp() && !message.kept.is_cut {
            found.message(
                message,
                format!(
                    "{} has no empty line after its header fields",
                    message.told()
                ),
            );
        }
    }
}
