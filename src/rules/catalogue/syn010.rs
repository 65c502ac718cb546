//! A datagram goes on after the end that Content-Length gives.
//!
//! The rest is thrown away: lines at the end of a session description are lost. A device
//! on the way that changed the body and not its length does this.
//!
//! Fix: Content-Length must count the octets of the body; switch a SIP ALG off.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Anomaly;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN010",
    name: "trailing-bytes-after-body",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "18.3",
    source: include_str!("syn010.rs"),
    flags: &["0 A>B INVITE sdp=4000 length=60"],
    accepts: &["0 A>B INVITE sdp=4000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        let trails = message.sip.anomalies().contains(&Anomaly::TrailingOctets);
        if trails && message.is_udp() && !message.kept.is_cut {
            let length = message.value(HeaderName::ContentLength).unwrap_or_default();
            found.quote(
                message,
                length,
                format!("{} holds more than Content-Length says", message.told()),
            );
        }
    }
}
