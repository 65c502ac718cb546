//! The timestamps of a stream run at another rate than its codec's clock.
//!
//! The receiver plays too fast or too slowly, or waits for sound that it has, and its jitter is
//! nonsense. Behind it is a payload type that both sides take for different codecs, or a program
//! that counts in samples where the codec counts otherwise (G.722 has a clock of 8000).
//!
//! Fix: let the sender count its timestamps with the clock of `a=rtpmap`; compare the payload
//! types that both descriptions give.

use crate::rules::{CallContext, Check, Findings, Message, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED010",
    name: "clock-rate-mismatch",
    severity: Severity::Error,
    rfc: "RFC 3550",
    section: "5.1",
    symptom: Some("garbled-audio"),
    source: include_str!("med010.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=252 ticks=320"],
    accepts: &[
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=252 ticks=160",
        // Of a call before, whose description is not there.
        "0 A:4000>B:5000 rtp n=252 ticks=320
         5000 A>B INVITE sdp=4000
         5020 B>A 200 to=t sdp=5000
         5030 A>B ACK branch=2 to=t",
        // Too short to tell.
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=250 ticks=320",
        // No clock that any codec has: the timestamps jump.
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=252 ticks=200",
        // The codec's own clock.
        "0 A>B INVITE sdp=4000 swap=AVP_0=>AVP_96 line=a=rtpmap:96_L16/16000
         20 B>A 200 to=t sdp=5000 swap=AVP_0=>AVP_96 line=a=rtpmap:96_L16/16000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=252 ticks=320 pt=96",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

/// The clocks that codecs have (RFC 3551, 4).
const CLOCKS: [u32; 9] = [
    8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000,
];

fn check(context: &CallContext<'_>, found: &mut Findings) {
    // Before the descriptions were made a number meant something else.
    let begun = context.messages.first().map(Message::when);
    let Some(begun) = begun.filter(|_| context.is_whole() && context.call().start_seen) else {
        return;
    };
    for stream in &context.closed.streams {
        let (Some(member), Some(rate)) = (stream.membership, stream.timestamp_rate()) else {
            continue;
        };
        if stream.first.timestamp < begun {
            continue;
        }
        // Two codecs may have two clocks.
        let [(number, _)] = stream.payload_types.as_slice() else {
            continue;
        };
        let session = &context.call().session;
        let Some(codec) = session.codec(member.to, member.media, *number) else {
            continue;
        };
        let is = |clock: u32, tolerance: f64| (rate / f64::from(clock) - 1.0).abs() < tolerance;
        let other = CLOCKS.into_iter().find(|clock| is(*clock, 0.01));
        // Pictures have another one, and come as they like.
        if codec.clock_rate == 90_000 || is(codec.clock_rate, 0.05) {
            continue;
        }
        if let Some(other) = other {
            found.add(
                format!(
                    "timestamps from {} to {} run at {other}, and {} has a clock of {}",
                    stream.flow.src, stream.flow.dst, codec.encoding, codec.clock_rate
                ),
                [stream.first],
            );
            found.by(member.to.other().name());
        }
    }
}
