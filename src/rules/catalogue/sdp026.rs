//! Both sides hold the call.
//!
//! Each waits for the other to resume.
//!
//! Fix: let each side resume; one alone changes nothing.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP026",
    name: "both-hold",
    severity: Severity::Info,
    rfc: "RFC 3264",
    section: "8.4",
    source: include_str!("sdp026.rs"),
    flags: &["0 A>B INVITE to=t sdp=4000/inactive
         5 B>A 200 to=t sdp=5000/inactive"],
    accepts: &["0 A>B INVITE to=t sdp=4000/sendonly
         5 B>A 200 to=t sdp=5000/recvonly"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for round in context.rounds() {
        let pairs = round.offered.media.iter().zip(&round.answered.media);
        let mut audio = pairs.filter(|(own, other)| {
            own.kind() == b"audio" && own.port() != Some(0) && other.port() != Some(0)
        });
        if audio.any(|(own, other)| {
            round.offered.direction(own) == "inactive"
                && round.answered.direction(other) == "inactive"
        }) {
            found.message(round.answer, "nobody may send any more");
            return;
        }
    }
}
