//! A call was answered before a description sent while it rang was confirmed.
//!
//! The callee must hold its 2xx back until the PRACK for a reliable response with a session
//! description has come.
//!
//! Fix: queue the 200 until the PRACK is there.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "PRK009",
    name: "answered-before-prack",
    severity: Severity::Error,
    rfc: "RFC 3262",
    section: "3",
    source: include_str!("prk009.rs"),
    flags: &["0 A>B INVITE sdp=4000 header=Supported:_100rel
         5 B>A 183 to=t sdp=5000 header=Require:_100rel header=RSeq:_1
         7 B>A 200 to=t
         9 A>B PRACK to=t cseq=2 branch=2 header=RAck:_1_1_INVITE"],
    accepts: &["0 A>B INVITE sdp=4000 header=Supported:_100rel
         5 B>A 183 to=t sdp=5000 header=Require:_100rel header=RSeq:_1
         7 A>B PRACK to=t cseq=2 branch=2 header=RAck:_1_1_INVITE
         9 B>A 200 to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, answer, _) in context
        .answered()
        .filter(|(_, own, _)| own.is_success(&Method::Invite) && own.is_original)
    {
        let reliable = context.messages.iter().find(|own| {
            own.is_reliable()
                && own.sdp.is_some()
                && own.to_tag == answer.to_tag
                && own.kept.transaction == answer.kept.transaction
        });
        let Some(reliable) = reliable else { continue };
        let prack = context
            .requests(&Method::Prack)
            .find(|own| own.to_tag == answer.to_tag && own.flow().dst == reliable.flow().src);
        // One that never comes is another rule's.
        if prack.is_some_and(|own| own.when() > answer.when()) {
            found.message(
                answer,
                format!(
                    "{} before the {} was confirmed",
                    answer.told(),
                    reliable.called()
                ),
            );
        }
    }
}
