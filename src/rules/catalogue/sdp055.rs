//! An answer asks to be sent to at the address that the offer gave.
//!
//! Each packet comes back to its sender.
//!
//! Fix: look at the ALG or the B2BUA that mixed the two up.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP055",
    name: "answer-names-offer",
    severity: Severity::Error,
    rfc: "RFC 3264",
    section: "6",
    symptom: Some("no-audio"),
    source: include_str!("sdp055.rs"),
    flags: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=4000 swap=c=IN_IP4_10.0.0.2=>c=IN_IP4_10.0.0.1"],
    accepts: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=4000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for round in context.rounds() {
        for (offered, answered) in round.offered.media.iter().zip(&round.answered.media) {
            let same = round.offered.address(offered).zip(offered.port())
                == round.answered.address(answered).zip(answered.port());
            let real = round
                .answered
                .address(answered)
                .is_some_and(|ip| !ip.is_unspecified())
                && !matches!(answered.port(), Some(0 | 9) | None);
            if same && real {
                found.quote(
                    round.answer,
                    answered.media,
                    format!("{} names the address of the offer", round.answer.told()),
                );
            }
        }
    }
}
