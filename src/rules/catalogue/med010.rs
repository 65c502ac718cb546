//! The clock of a stream runs at another rate than its codec has.
//!
//! The receiver plays too fast or too slow, or drops what does not fit.
//!
//! Fix: let the sender count its timestamps at the clock of the codec.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::time::SECOND;

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
         40 A:4000>B:5000 rtp n=400 ticks=320"],
    accepts: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=400 ticks=160"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for stream in &context.closed.streams {
        let Some(member) = stream.membership else {
            continue;
        };
        let lasted = stream.last.since(stream.first.timestamp);
        // Pauses, digits and other codecs in between say nothing of the clock.
        let even = stream.payload_types.len() == 1
            && stream.gap_max_ns < SECOND
            && stream.delta_max_ns < SECOND;
        let report = stream.report();
        let number = stream.main_payload_type(|_| false);
        let codec = context
            .call()
            .session
            .codec(member.to, member.media, number);
        let (Some(codec), Some(rate)) = (codec, stream.observed_clock_rate()) else {
            continue;
        };
        let is_audio = codec.clock_rate < 90_000;
        if even && is_audio && lasted >= 5 * SECOND && report.lost == 0 && rate != codec.clock_rate
        {
            found.add(
                format!(
                    "timestamps from {} run at {rate} Hz, {} has {} Hz",
                    stream.flow.src, codec.encoding, codec.clock_rate
                ),
                [stream.first],
            );
            found.by(member.to.other().name());
        }
    }
}
