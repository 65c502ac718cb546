//! An offer was never answered.
//!
//! The INVITE carried an offer, and the 2xx to it carries no session description, nor
//! did a response before it. Without an answer no media flow.
//!
//! Fix: whoever answers must put its session description into the 2xx.

use crate::rules::Message;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "SDP009",
    name: "answer-missing",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "13.2.1",
    symptom: Some("no-audio"),
    causes: &["MED015"],
    source: include_str!("sdp009.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t
         30 A>B ACK branch=2 to=t"],
    accepts: &[
        "0 A>B INVITE
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t sdp=4000",
        "0 A>B INVITE sdp=4000
         10 B>A 183 to=t sdp=5000
         20 B>A 200 to=t
         30 A>B ACK branch=2 to=t",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, response) in context.responses() {
        let is_answer = (200..300).contains(&status) && response.method == Method::Invite;
        if !is_answer || response.sip.sdp().is_some() || !response.is_entire() {
            continue;
        }
        let cseq = response.sip.cseq().ok().map(|cseq| cseq.number);
        let same = |other: &Message<'_>| {
            other.method == Method::Invite && other.sip.cseq().ok().map(|cseq| cseq.number) == cseq
        };
        let offered = context
            .requests(&Method::Invite)
            .any(|request| same(request) && request.sip.sdp().is_some());
        let answered = context.responses().any(|(status, other)| {
            (101..300).contains(&status) && same(other) && other.sip.sdp().is_some()
        });
        // A body of another kind may hold one that is not read.
        if offered && !answered && response.sip.body().is_empty() {
            found.add(
                format!(
                    "{status} from {} has no session description",
                    response.flow().src
                ),
                [response.at()],
            );
            found.by("callee");
            return;
        }
    }
}
