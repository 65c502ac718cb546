//! A digit is shorter than 40 ms.
//!
//! Receivers that turn events into tones, and those that listen to tones (ITU-T Q.24), need
//! 40 ms of each digit.
//!
//! Fix: lengthen the digits at the sender to 70 ms or more.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED041",
    name: "dtmf-too-short",
    severity: Severity::Warning,
    source: include_str!("med041.rs"),
    flags: &["0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=50
         1040 A:4000>B:5000 event 5 first=50 ticks=8000 lasts=160,240E,240E,240E
         1400 A:4000>B:5000 rtp n=50 first=54"],
    accepts: &["0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP_0=>RTP/AVP_0_101 line=a=rtpmap:101_telephone-event/8000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=50
         1040 A:4000>B:5000 event 5 first=50 ticks=8000 lasts=160,320E,320E,320E
         1400 A:4000>B:5000 rtp n=50 first=54"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for stream in &context.closed.streams {
        let number = stream.main_payload_type(|_| false);
        let codec = stream.membership.and_then(|member| {
            context
                .call()
                .session
                .codec(member.to, member.media, number)
        });
        let Some(rate) = codec.map(|codec| i64::from(codec.clock_rate)) else {
            continue;
        };
        let short = stream
            .digits
            .iter()
            .filter(|digit| digit.ends > 0 && i64::from(digit.ticks) * 1000 < 40 * rate);
        let count = short.count();
        if count > 0 {
            found.add(
                format!(
                    "{count} of {} digits from {} last less than 40 ms",
                    stream.digits.len(),
                    stream.flow.src
                ),
                [stream.first],
            );
            found.by(stream.flow.src.ip.to_string());
        }
    }
}
