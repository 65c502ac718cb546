//! Media came before the call was answered.
//!
//! Whoever offered must be ready to receive from then on; else the first words are lost.
//!
//! Fix: nothing, if the caller hears it.

use crate::engine::session::Side;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::time::SECOND;
use crate::time::millis;

pub(super) const RULE: Rule = Rule {
    code: "MED018",
    name: "media-before-answer",
    severity: Severity::Info,
    rfc: "RFC 3960",
    section: "3",
    source: include_str!("med018.rs"),
    flags: &["0 A>B INVITE sdp=4000
         10 B>A 183 to=t sdp=5000
         20 B:5000>A:4000 rtp n=100
         3000 B>A 200 to=t sdp=5000
         3010 A>B ACK branch=2 to=t"],
    accepts: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 B:5000>A:4000 rtp n=100"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let answer = context
        .originals()
        .find(|own| own.is_success(&Method::Invite));
    let Some(answer) = answer.filter(|own| own.cseq.is_some() && context.call().start_seen) else {
        return;
    };
    let early = context.closed.streams.iter().find(|own| {
        own.membership.is_some_and(|own| own.to == Side::Caller)
            && answer.when().since(own.first.timestamp) > SECOND / 5
    });
    if let Some(stream) = early {
        let ahead = answer.when().since(stream.first.timestamp);
        found.add(
            format!(
                "media toward the caller begin {:.1} s before the answer",
                millis(ahead) / 1000.0
            ),
            [stream.first, answer.at()],
        );
    }
}
