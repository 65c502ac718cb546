//! An answer allows a direction that the offer does not.
//!
//! Who offered to send alone can't be sent to: the answer to sendonly is recvonly or
//! inactive. After a hold the call often stays silent one way.
//!
//! Fix: mirror the direction of the offer in the answer.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP023",
    name: "direction-invalid-answer",
    severity: Severity::Error,
    rfc: "RFC 3264",
    section: "6.1",
    symptom: Some("one-way-audio"),
    source: include_str!("sdp023.rs"),
    flags: &[
        "0 A>B INVITE to=t sdp=4000/sendonly
         5 B>A 200 to=t sdp=5000/sendonly",
        "0 A>B INVITE to=t sdp=4000/inactive
         5 B>A 200 to=t sdp=5000/recvonly",
    ],
    accepts: &[
        "0 A>B INVITE to=t sdp=4000/sendonly
         5 B>A 200 to=t sdp=5000/inactive",
        "0 A>B INVITE to=t sdp=4000/sendonly
         5 B>A 200 to=t sdp=5000/recvonly",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for round in context.rounds() {
        for (offered, answered) in round.offered.media.iter().zip(&round.answered.media) {
            let (ours, theirs) = (
                round.offered.direction(offered),
                round.answered.direction(answered),
            );
            let good = match ours {
                "sendonly" => matches!(theirs, "recvonly" | "inactive"),
                "recvonly" => matches!(theirs, "sendonly" | "inactive"),
                "inactive" => theirs == "inactive",
                _ => true,
            };
            let live = offered.port() != Some(0) && answered.port() != Some(0);
            // Saying nothing is what old programs do.
            let said = ["sendonly", "recvonly", "inactive", "sendrecv"]
                .iter()
                .any(|name| round.answered.attribute(answered, name).is_some());
            if live && said && !good {
                found.quote(
                    round.answer,
                    answered.media,
                    format!("{} answers {ours} with {theirs}", round.answer.told()),
                );
            }
        }
    }
}
