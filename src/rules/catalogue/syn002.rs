//! A message is of another version of SIP than 2.0.
//!
//! There is no other version; a receiver answers 505. It is corruption, or a test.
//!
//! Fix: write SIP/2.0 as the version.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Anomaly;

pub(super) const RULE: Rule = Rule {
    code: "SYN002",
    name: "sip-version-unsupported",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "7.1",
    source: include_str!("syn002.rs"),
    flags: &["0 A>B OPTIONS swap=SIP/2.0=>SIP/7.0"],
    accepts: &["0 A>B OPTIONS swap=SIP/2.0=>sip/2.0"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        if message.sip.anomalies().contains(&Anomaly::Version) {
            found.message(message, format!("{} is not of SIP/2.0", message.told()));
        }
    }
}
