//! One side has an IPv6 address for its media and the other an IPv4 address.
//!
//! Neither can send to the other without a relay between them.
//!
//! Fix: put a relay with both families between them, or let both use ICE.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP046",
    name: "address-family-mismatch",
    severity: Severity::Error,
    rfc: "RFC 6157",
    section: "4",
    symptom: Some("no-audio"),
    source: include_str!("sdp046.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=c=IN_IP4_10.0.0.1=>c=IN_IP6_2001:db8::1
         5 B>A 200 to=t sdp=5000",
    ],
    accepts: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for round in context.rounds() {
        for (offered, answered) in round.offered.media.iter().zip(&round.answered.media) {
            let (Some(ours), Some(theirs)) = (
                round.offered.address(offered),
                round.answered.address(answered),
            ) else {
                continue;
            };
            let live = offered.port() != Some(0) && answered.port() != Some(0);
            let ice = offered.attribute("candidate").is_some()
                || answered.attribute("candidate").is_some();
            if ours.is_ipv4() != theirs.is_ipv4()
                && live
                && !ice
                && !ours.is_unspecified()
                && !theirs.is_unspecified()
            {
                let part = round.answered.connection(answered).unwrap_or_default();
                found.quote(
                    round.answer,
                    part,
                    format!("media from {ours} can't reach {theirs}"),
                );
            }
        }
    }
}
