//! An answer shares one port for RTP and RTCP though the offer did not ask for it.
//!
//! The other side sends its reports to the next port, where nobody is.
//!
//! Fix: answer a=rtcp-mux only to an offer that has it.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP030",
    name: "rtcp-mux-mismatch",
    severity: Severity::Warning,
    rfc: "RFC 5761",
    section: "5.1.1",
    source: include_str!("sdp030.rs"),
    flags: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000 line=a=rtcp-mux"],
    accepts: &["0 A>B INVITE sdp=4000 line=a=rtcp-mux
         5 B>A 200 to=t sdp=5000 line=a=rtcp-mux"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for round in context.rounds() {
        for (offered, answered) in round.offered.media.iter().zip(&round.answered.media) {
            if answered.attribute("rtcp-mux").is_some() && offered.attribute("rtcp-mux").is_none() {
                found.quote(
                    round.answer,
                    answered.media,
                    format!(
                        "{} answers rtcp-mux that was not offered",
                        round.answer.told()
                    ),
                );
                return;
            }
        }
    }
}
