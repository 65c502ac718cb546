//! A new offer has fewer media lines than the one before.
//!
//! A medium that is given up keeps its line, with port 0; else the other side ties what
//! remains to the wrong media.
//!
//! Fix: keep the line and set its port to 0.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "SDP008",
    name: "mline-removed-in-reoffer",
    severity: Severity::Error,
    rfc: "RFC 3264",
    section: "8",
    source: include_str!("sdp008.rs"),
    flags: &["0 A>B INVITE sdp=4000 video=4002
         5 B>A 200 to=t sdp=5000 video=5002
         6 A>B ACK to=t branch=2
         900 A>B INVITE to=t cseq=2 branch=3 sdp=4000"],
    accepts: &["0 A>B INVITE sdp=4000 video=4002
         5 B>A 200 to=t sdp=5000 video=5002
         6 A>B ACK to=t branch=2
         900 A>B INVITE to=t cseq=2 branch=3 sdp=4000 video=0"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for case in context.renewals() {
        let (before, now) = (case.before.media.len(), case.description.media.len());
        if now < before && case.message.is_inside() && case.message.method != Method::Ack {
            found.message(
                case.message,
                format!("{} has {now} media, {before} before", case.message.told()),
            );
            found.also(case.earlier.at());
        }
    }
}
