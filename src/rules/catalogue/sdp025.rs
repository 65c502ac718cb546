//! A call ended while it was on hold.
//!
//! Nobody took it back, or the resume was lost or refused.
//!
//! Fix: if somebody tried to resume, look at that re-INVITE and its answer.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "SDP025",
    name: "hold-not-resumed",
    severity: Severity::Info,
    rfc: "RFC 3264",
    section: "8.4",
    source: include_str!("sdp025.rs"),
    flags: &["0 A>B INVITE to=t sdp=4000/sendonly cseq=2
         5 B>A 200 to=t sdp=5000/recvonly cseq=2
         6 A>B ACK to=t branch=2 cseq=2
         9000 A>B BYE to=t branch=9 cseq=3"],
    accepts: &["0 A>B INVITE to=t sdp=4000/sendonly cseq=2
         5 B>A 200 to=t sdp=5000/recvonly cseq=2
         6 A>B ACK to=t branch=2 cseq=2
         3000 A>B INVITE to=t sdp=4000 cseq=3 branch=5
         3005 B>A 200 to=t sdp=5000 cseq=3 branch=5
         9000 A>B BYE to=t branch=9 cseq=4"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let Some(bye) = context.requests(&Method::Bye).next() else {
        return;
    };
    let Some(last) = context
        .rounds()
        .next_back()
        .filter(|own| own.offer.is_inside())
    else {
        return;
    };
    let audio = last.offered.media.iter().find(|own| own.kind() == b"audio");
    if let Some(audio) =
        audio.filter(|own| matches!(last.offered.direction(own), "sendonly" | "inactive"))
    {
        found.quote(last.offer, audio.media, "the call ends on hold");
        found.also(bye.at());
    }
}
