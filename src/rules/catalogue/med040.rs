//! A digit becomes shorter while it lasts.
//!
//! The duration counts from the beginning of the event, so it only grows; packets that say
//! the end again repeat the last one.
//!
//! Fix: let the sender count on, and repeat the last packet as it is.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED040",
    name: "dtmf-duration-shrinks",
    severity: Severity::Warning,
    rfc: "RFC 4733",
    section: "2.3.5",
    source: include_str!("med040.rs"),
    flags: &["0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=50
         1040 A:4000>B:5000 event 5 first=50 ticks=8000 lasts=160,320,480,640E,160E,160E
         1400 A:4000>B:5000 rtp n=50 first=56"],
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
        let count = stream.digits.iter().filter(|digit| digit.shrank).count();
        if count > 0 {
            found.add(
                format!(
                    "{count} of {} digits from {} become shorter while they last",
                    stream.digits.len(),
                    stream.flow.src
                ),
                [stream.first],
            );
            found.by(stream.flow.src.ip.to_string());
        }
    }
}
