//! A sender changed its identity in the middle of a call.
//!
//! A new SSRC begins a new stream: some receivers stay silent for a moment, or for good.
//!
//! Fix: keep the SSRC unless the source changes.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED003",
    name: "ssrc-change",
    severity: Severity::Info,
    rfc: "RFC 3550",
    section: "8.2",
    source: include_str!("med003.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=50
         1100 A:4000>B:5000 rtp n=50 ssrc=99"],
    accepts: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=50"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let streams = &context.closed.streams;
    for (place, stream) in streams.iter().enumerate() {
        let before = streams.iter().take(place).find(|own| {
            own.flow == stream.flow
                && own.capture_point == stream.capture_point
                && own.ssrc != stream.ssrc
        });
        if let Some(before) = before.filter(|_| stream.membership.is_some()) {
            found.add(
                format!("{} goes on as SSRC {:08x}", stream.flow.src, stream.ssrc),
                [before.first, stream.first],
            );
            return;
        }
    }
}
