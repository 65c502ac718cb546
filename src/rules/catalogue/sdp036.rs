//! Both sides wait for the other to begin DTLS, or both begin.
//!
//! The offer says actpass, and the answer chooses active or passive; anything else leaves
//! no side or both to send the first packet.
//!
//! Fix: answer a=setup:active.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP036",
    name: "dtls-setup-invalid",
    severity: Severity::Error,
    rfc: "RFC 5763",
    section: "5",
    symptom: Some("no-audio"),
    source: include_str!("sdp036.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=setup:actpass
         5 B>A 200 to=t sdp=5000 line=a=setup:actpass",
        "0 A>B INVITE sdp=4000 line=a=setup:passive
         5 B>A 200 to=t sdp=5000 line=a=setup:passive",
    ],
    accepts: &["0 A>B INVITE sdp=4000 line=a=setup:actpass
         5 B>A 200 to=t sdp=5000 line=a=setup:active"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for round in context.rounds() {
        for (offered, answered) in round.offered.media.iter().zip(&round.answered.media) {
            let (Some(ours), Some(theirs)) = (
                round.offered.attribute(offered, "setup"),
                round.answered.attribute(answered, "setup"),
            ) else {
                continue;
            };
            let both = ours == theirs && matches!(ours, b"active" | b"passive");
            if theirs == b"actpass" || both {
                found.quote(
                    round.answer,
                    theirs,
                    format!(
                        "{} answers setup:{} with setup:{}",
                        round.answer.told(),
                        octets::text(ours),
                        octets::text(theirs)
                    ),
                );
            }
        }
    }
}
