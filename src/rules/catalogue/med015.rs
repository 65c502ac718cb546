//! One side of the call heard nothing.
//!
//! Both were to send and to receive, and packets can have reached one of them only. A
//! private address in a session description, a firewall that lets one direction
//! through, or a port that nobody listens at is behind it, in that order.
//!
//! Fix: compare the address that the silent side asked to be sent to with the one it
//! sends from; where they differ a NAT lies between: anchor the media (rtpengine,
//! rtpproxy), or let the phone use STUN or ICE.

use crate::engine::session::Side;
use crate::rules::{CallContext, Check, Findings, MediaFact, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "MED015",
    name: "one-way-audio",
    severity: Severity::Error,
    rfc: "RFC 3264",
    section: "5",
    symptom: Some("one-way-audio"),
    source: include_str!("med015.rs"),
    flags: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=250
         6000 A>B BYE to=t branch=9 cseq=2
         6001 B>A 200 to=t branch=9 cseq=2 method=BYE"],
    accepts: &[
        "0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=250
         40 B:5000>A:4000 rtp n=250
         6000 A>B BYE to=t branch=9 cseq=2
         6001 B>A 200 to=t branch=9 cseq=2 method=BYE",
        "0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=100
         2500 A>B BYE to=t branch=9 cseq=2
         2501 B>A 200 to=t branch=9 cseq=2 method=BYE",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for media in &context.media {
        let (who, address) = match media.audio.as_deref() {
            Some("caller-hears-nothing") => ("caller", &media.caller),
            Some("callee-hears-nothing") => ("callee", &media.callee),
            _ => continue,
        };
        if !is_proved(context, media) {
            continue;
        }
        let address = address.as_deref().unwrap_or("?");
        let reason = media.reason.as_deref().unwrap_or("no packets came");
        found.add(
            format!("the {who}, to be sent to at {address}, hears nothing: {reason}"),
            context.attempts().next().map(|invite| invite.first),
        );
        found.by(who);
    }
}

/// Whether the capture can show that nothing reached the side that hears nothing.
pub(super) fn is_proved(context: &CallContext<'_>, media: &MediaFact) -> bool {
    // ICE may settle on a pair that the capture does not see.
    if media.lasted_ns < 3 * SECOND || media.is_ice {
        return false;
    }
    // Each capture point must have shown that it sees what comes from the
    // sender; one that misses a direction proves nothing.
    let silent = match media.audio.as_deref() {
        Some("caller-hears-nothing") => Side::Caller,
        _ => Side::Callee,
    };
    let mut points: Vec<_> = context
        .call()
        .vantages
        .iter()
        .filter(|vantage| vantage.side == silent.other())
        .map(|vantage| vantage.capture_point)
        .collect();
    points.sort_unstable();
    points.dedup();
    let all = context.call().frames.capture_points().len();
    all <= 1 || points.len() >= all
}
