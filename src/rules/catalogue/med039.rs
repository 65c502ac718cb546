//! The packets of one digit have different timestamps.
//!
//! All packets of an event bear the timestamp of its beginning. With a new one in each, every
//! packet counts as a digit of its own.
//!
//! Fix: let the sender keep the timestamp until the key is let go.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::time::MILLISECOND;

pub(super) const RULE: Rule = Rule {
    code: "MED039",
    name: "dtmf-timestamp-changes",
    severity: Severity::Error,
    rfc: "RFC 4733",
    section: "2.5.1.2",
    causes: &["MED037"],
    symptom: Some("no-dtmf"),
    source: include_str!("med039.rs"),
    flags: &["0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=50
         1040 A:4000>B:5000 event 5 first=50 ticks=8000 lasts=160,320,480,640E anew=160
         1400 A:4000>B:5000 rtp n=50 first=54"],
    accepts: &["0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=50
         1040 A:4000>B:5000 event 5 first=50 ticks=8000 lasts=160,320,480,640E,640E,640E
         1400 A:4000>B:5000 rtp n=50 first=56"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for stream in &context.closed.streams {
        let mut run = 1;
        let mut longest = 1;
        for pair in stream.digits.windows(2) {
            let [before, after] = pair else { continue };
            // A key that is pressed again has ended before, and a long one goes on
            // under a new timestamp when its duration is full.
            let goes_on = before.digit == after.digit
                && before.ends == 0
                && before.ticks < u16::MAX
                && after.at.since(before.at) < 100 * MILLISECOND;
            run = if goes_on { run + 1 } else { 1 };
            longest = longest.max(run);
        }
        if longest >= 3 {
            found.add(
                format!(
                    "a digit from {} begins anew in each of {longest} packets",
                    stream.flow.src
                ),
                [stream.first],
            );
            found.by(stream.flow.src.ip.to_string());
        }
    }
}
