//! One side can take digits as events and the other can't.
//!
//! Digits then go as tones within the sound, which many codecs spoil, or in INFO.
//!
//! Fix: enable RFC 4733 (RFC 2833) at both ends.

use super::description::Section;
use super::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP043",
    name: "telephone-event-missing",
    severity: Severity::Info,
    rfc: "RFC 4733",
    section: "5",
    source: include_str!("sdp043.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
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
            let events = |own: &Section<'_>| {
                own.formats().iter().any(|format| {
                    own.codec(format)
                        .is_some_and(|codec| codec.starts_with("TELEPHONE-EVENT"))
                })
            };
            let live = answered.kind() == b"audio" && answered.port() != Some(0);
            if live && events(offered) != events(answered) {
                found.quote(
                    round.answer,
                    answered.media,
                    "telephone-event stands in one of offer and answer alone",
                );
                return;
            }
        }
    }
}
