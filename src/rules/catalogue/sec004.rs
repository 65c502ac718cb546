//! Two senders feed one receiver with the same RTP source number at the same time.
//!
//! One of them may be a stranger who guessed or read along: the receiver, or a relay that
//! learns addresses, plays what it gets. A source that moves to another address stops at the
//! old one.
//!
//! Fix: SRTP; at a relay, accept media only from whom it learned first (strict source).

use super::med063::goes_round;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "SEC004",
    name: "rtp-injection",
    severity: Severity::Error,
    rfc: "RFC 3550",
    section: "14",
    source: include_str!("sec004.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=200
         1040 C:4000>B:5000 rtp n=200 first=52"],
    accepts: &[
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=200
         4080 C:4000>B:5000 rtp n=200 first=202",
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=200
         1040 C:4000>B:5000 rtp n=200 ssrc=99",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let streams = &context.closed.streams;
    for (place, stranger) in streams.iter().enumerate() {
        let earlier = streams.iter().take(place).find(|own| {
            own.ssrc == stranger.ssrc
                && own.capture_point == stranger.capture_point
                && own.flow.dst == stranger.flow.dst
                && own.flow.src.ip != stranger.flow.src.ip
                && !own.same_as.contains(&stranger.serial)
                && !stranger.same_as.contains(&own.serial)
                // A relay that feeds itself is none.
                && !goes_round(streams, own, stranger)
                // Both go on for a second while the other does too.
                && own.last.min(stranger.last).since(stranger.first.timestamp) > SECOND
        });
        if let Some(own) = earlier {
            found.add(
                format!(
                    "{} and {} send to {} at once as source {:#010x}",
                    own.flow.src, stranger.flow.src, own.flow.dst, own.ssrc
                ),
                [stranger.first, own.first],
            );
            found.by(stranger.flow.src.ip.to_string());
        }
    }
}
