//! Media go round: a relay gets back what it sent out.
//!
//! The same packets enter one port of the relay again, from it or from whom it sent them to.
//! They go round until the load or a limit ends it, and nobody hears anything new.
//!
//! Fix: some description names the relay where it should name the other end; look for the
//! proxy that offers the relay twice, or rewrites a description that it wrote itself.

use crate::engine::rtp_stream::RtpStream;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED063",
    name: "relay-loop",
    severity: Severity::Error,
    symptom: Some("no-audio"),
    source: include_str!("med063.rs"),
    flags: &["0 A>P INVITE sdp=4000
         20 P>A 200 to=t sdp=5000
         30 A>P ACK branch=2 to=t
         40 A:4000>P:5000 rtp n=100 ssrc=3000
         41 P:5002>P:5000 rtp n=100 ssrc=1998"],
    accepts: &[
        "0 A>P INVITE sdp=4000
         20 P>A 200 to=t sdp=5000
         30 A>P ACK branch=2 to=t
         40 A:4000>P:5000 rtp n=100 ssrc=3000
         41 P:5002>C:6000 rtp n=100 ssrc=1998",
        "0 A>P INVITE sdp=4000
         20 P>A 200 to=t sdp=5000
         30 A>P ACK branch=2 to=t
         40 A:4000>P:5000 rtp n=100 ssrc=3000
         41 R:7000>P:5000 rtp n=100 ssrc=0 at=1",
        "0 A>P INVITE sdp=4000
         20 P>A 200 to=t sdp=5000
         30 A>P ACK branch=2 to=t
         40 A:4000>P:5000 rtp n=100 ssrc=3000
         41 C:7000>P:5000 rtp n=100 ssrc=0",
        "0 A>P INVITE sdp=4000
         20 P>A 200 to=t sdp=5000
         30 A>P ACK branch=2 to=t
         40 A:4000>P:5000 rtp n=100 ssrc=3000
         4100 P:5002>P:5000 rtp n=100 ssrc=1998",
        "0 A>P INVITE sdp=4000
         20 P>A 200 to=t sdp=5000
         30 A>P ACK branch=2 to=t
         40 A:4000>P:5000 rtp n=100 ssrc=3000
         41 P:5000>A:4000 rtp n=100 ssrc=2000
         42 A:4002>P:5000 rtp n=100 ssrc=2998",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let streams = &context.closed.streams;
    for (place, back) in streams.iter().enumerate() {
        let mut earlier = streams.iter().take(place);
        if let Some(first) = earlier.find(|own| goes_round(streams, own, back)) {
            found.add(
                format!(
                    "packets of {} come into {} again, from {}",
                    first.flow.src, first.flow.dst, back.flow.src
                ),
                [back.first, first.first],
            );
            found.by(first.flow.dst.ip.to_string());
        }
    }
}

/// Whether `back` brings a relay, at the same port, what it had from `first`
/// and sent out under the same source number.
pub(super) fn goes_round(streams: &[RtpStream], first: &RtpStream, back: &RtpStream) -> bool {
    let is_same = |own: &RtpStream| {
        own.ssrc == first.ssrc
            && own.capture_point == first.capture_point
            && own.first.timestamp <= first.last
    };
    let relay = first.flow.dst.ip;
    // Whoever sends it back had it from the relay, or is the relay. (Where media are
    // echoed, the first sender has it too.)
    let had_it = || {
        let mut streams = streams.iter();
        let is_other = back.flow.src.ip != first.flow.src.ip;
        is_other
            && streams.any(|own| {
                own.flow.src.ip == relay && own.flow.dst.ip == back.flow.src.ip && is_same(own)
            })
    };
    is_same(back)
        && back.flow.dst == first.flow.dst
        && back.flow.src != first.flow.src
        && (back.flow.src.ip == relay || had_it())
}
