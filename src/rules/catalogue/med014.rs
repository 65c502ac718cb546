//! Packets of a stream come at an uneven pace.
//!
//! From 30 ms on the receiver must wait longer than a talk bears, or drop what is late.
//!
//! Fix: look for links that are full in bursts; mark voice (EF) and let it go first.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED014",
    name: "jitter-high",
    severity: Severity::Warning,
    rfc: "RFC 3550",
    section: "6.4.1",
    source: include_str!("med014.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=200 uneven=60"],
    accepts: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=200 uneven=10"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for stream in &context.closed.streams {
        let Some(member) = stream.membership else {
            continue;
        };
        let number = stream.main_payload_type(|_| false);
        let codec = context
            .call()
            .session
            .codec(member.to, member.media, number);
        // Several packets of a picture share one timestamp.
        if codec.as_ref().is_some_and(|own| own.clock_rate == 90_000) {
            continue;
        }
        let (_, jitter) = stream.jitter(codec.map(|own| own.clock_rate));
        let mean = jitter.and_then(crate::rtp::Jitter::mean_ms);
        if let Some(mean) = mean.filter(|mean| *mean > 30.0 && stream.packets >= 100) {
            found.add(
                format!(
                    "packets from {} to {} come with a jitter of {mean:.0} ms",
                    stream.flow.src, stream.flow.dst
                ),
                [stream.first],
            );
        }
    }
}
