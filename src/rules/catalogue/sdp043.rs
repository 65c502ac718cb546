//! Digits were sent as events to a side that does not take them.
//!
//! Offer and answer must both list telephone-event; the receiver drops what it does not
//! know, and no digit is heard.
//!
//! Fix: enable RFC 4733 (RFC 2833) at both ends, or send the digits as the other side takes
//! them (INFO, tones).

use crate::engine::session::Side;
use crate::rules::description::Section;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP043",
    name: "telephone-event-missing",
    severity: Severity::Warning,
    rfc: "RFC 4733",
    section: "2.5.1.1",
    symptom: Some("no-dtmf"),
    source: include_str!("sdp043.rs"),
    flags: &["0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=50
         1100 A:4000>B:5000 rtp n=8 pt=101 first=50"],
    accepts: &["0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=50
         1100 A:4000>B:5000 rtp n=8 pt=101 first=50", "0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=50"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let rounds: Vec<_> = context.rounds().collect();
    for stream in &context.closed.streams {
        let Some(member) = stream.membership else {
            continue;
        };
        // What each side listed, in any round.
        let lists = |side: Side| {
            let mut said = rounds
                .iter()
                .flat_map(|round| [(round.offer, round.offered), (round.answer, round.answered)]);
            said.any(|(message, description)| {
                context.sender(message) == side && description.media.iter().any(takes_events)
            })
        };
        let events = stream.payload_types.iter().find(|(number, _)| {
            rounds.iter().any(|round| {
                let both = round.offered.media.iter().chain(&round.answered.media);
                both.into_iter().any(|media| {
                    let format = number.to_string();
                    media
                        .codec(format.as_bytes())
                        .is_some_and(|codec| codec.starts_with("TELEPHONE-EVENT"))
                })
            })
        });
        if let (Some((number, count)), false) = (events, lists(member.to)) {
            found.add(
                format!("{count} packets of telephone-event (payload type {number}) go to the {}, which does not take them", member.to.name()),
                [stream.first],
            );
            found.by(member.to.name());
            return;
        }
    }
}

fn takes_events(media: &Section<'_>) -> bool {
    let formats = media.formats();
    let mut codecs = formats.iter().filter_map(|format| media.codec(format));
    media.port() != Some(0) && codecs.any(|codec| codec.starts_with("TELEPHONE-EVENT"))
}
