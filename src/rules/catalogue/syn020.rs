//! Lines end with a line feed alone.
//!
//! Each line ends with CR and LF. Most receivers forgive it, some do not find the end of
//! the header section.
//!
//! Fix: write CR LF; scripts that print messages forget it.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Anomaly;

pub(super) const RULE: Rule = Rule {
    code: "SYN020",
    name: "bare-lf-line-endings",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "7",
    is_tolerated: true,
    source: include_str!("syn020.rs"),
    flags: &["0 A>B OPTIONS swap=Max-Forwards:_70\\r\\n=>Max-Forwards:_70\\n"],
    accepts: &["0 A>B OPTIONS"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        if message.sip.anomalies().contains(&Anomaly::BareLineFeed) {
            found.message(
                message,
                format!("{} has lines that end without CR", message.told()),
            );
        }
    }
}
