//! A digit has no end.
//!
//! No packet of it says that the key was let go, and none is missing. The receiver holds the
//! digit until it loses patience, or counts it twice.
//!
//! Fix: let the sender set the E bit in the last packet, and send that three times.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::time::MILLISECOND;

pub(super) const RULE: Rule = Rule {
    code: "MED037",
    name: "dtmf-no-end",
    severity: Severity::Warning,
    rfc: "RFC 4733",
    section: "2.3.2",
    causes: &[],
    source: include_str!("med037.rs"),
    flags: &["0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=50
         1040 A:4000>B:5000 event 5 first=50 ticks=8000 lasts=160,320,480,640
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
        // The packet that ends it may be one of those that are missing.
        if stream.report().lost > 0 {
            continue;
        }
        let endless = stream.digits.iter().filter(|digit| {
            digit.ends == 0 && stream.last.since(digit.at) > i64::from(digit.ticks) * MILLISECOND
        });
        let count = endless.count();
        if count > 0 {
            found.add(
                format!(
                    "{count} of {} digits from {} have no end",
                    stream.digits.len(),
                    stream.flow.src
                ),
                [stream.first],
            );
            found.by(stream.flow.src.ip.to_string());
        }
    }
}
