//! A call was never hung up though its media stopped long ago.
//!
//! A side vanished, or its BYE was lost: the other side and the proxies keep the call, and
//! it is billed.
//!
//! Fix: enable session timers, and an RTP time-out at the gateway; look for what ended the
//! media.

use crate::engine::session::Side;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "DLG014",
    name: "bye-missing",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "15",
    symptom: Some("ghost-call"),
    source: include_str!("dlg014.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=150
         40 B:5000>A:4000 rtp n=150
         80000 C>D OPTIONS call=later tag=o branch=o"],
    accepts: &[
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=150
         40 B:5000>A:4000 rtp n=150
         60000 C>D OPTIONS call=later tag=o branch=o",
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=150
         80000 C>D OPTIONS call=later tag=o branch=o",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let call = context.call();
    if !context.is_whole() || !call.start_seen || !call.is_up() || call.dialogs.len() != 1 {
        return;
    }
    let of_call = || {
        context
            .closed
            .streams
            .iter()
            .filter(|own| own.membership.is_some())
    };
    let both = [Side::Caller, Side::Callee]
        .into_iter()
        .all(|side| of_call().any(|own| own.membership.is_some_and(|own| own.to == side)));
    let Some(last) = of_call().map(|own| own.last).max() else {
        return;
    };
    let last = last.max(call.last);
    let held = context.rounds().next_back().is_some_and(|round| {
        round
            .offered
            .media
            .iter()
            .any(|own| round.offered.direction(own) != "sendrecv")
    });
    if both && !held && context.capture.lasted(last, 70 * SECOND) {
        found.add(
            "media of both sides stopped more than a minute ago and nobody hung up",
            [call.first],
        );
    }
}
