//! An offer in the confirmation of a provisional response was never answered.
//!
//! An offer in a PRACK is answered in the 2xx to it; one in the provisional response itself
//! is answered in the PRACK.
//!
//! Fix: put the answer where it belongs.

use crate::octets;
use crate::rules::description::words;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "PRK010",
    name: "prack-offer-no-answer",
    severity: Severity::Error,
    rfc: "RFC 3262",
    section: "5",
    symptom: Some("no-audio"),
    source: include_str!("prk010.rs"),
    flags: &[
        "0 A>B INVITE header=Supported:_100rel
         5 B>A 183 to=t sdp=5000 header=Require:_100rel header=RSeq:_1
         9 A>B PRACK to=t cseq=2 branch=2 header=RAck:_1_1_INVITE",
        "0 A>B INVITE sdp=4000 header=Supported:_100rel
         5 B>A 183 to=t sdp=5000 header=Require:_100rel header=RSeq:_1
         9 A>B PRACK to=t cseq=2 branch=2 sdp=4002 header=RAck:_1_1_INVITE
         12 B>A 200 to=t cseq=2 branch=2 method=PRACK",
    ],
    accepts: &["0 A>B INVITE header=Supported:_100rel
         5 B>A 183 to=t sdp=5000 header=Require:_100rel header=RSeq:_1
         9 A>B PRACK to=t cseq=2 branch=2 sdp=4000 header=RAck:_1_1_INVITE
         12 B>A 200 to=t cseq=2 branch=2 method=PRACK"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for prack in context
        .requests(&Method::Prack)
        .filter(|own| own.is_original && own.is_entire())
    {
        let number = prack
            .value(HeaderName::RAck)
            .and_then(|own| words(own).first().and_then(|own| octets::decimal(own)));
        let confirmed = context.answered().find(|(_, own, _)| {
            own.is_reliable()
                && own.to_tag == prack.to_tag
                && own.number(HeaderName::RSeq) == number
                && number.is_some()
        });
        let Some((_, confirmed, invite)) = confirmed else {
            continue;
        };
        if invite.sdp.is_none()
            && invite.is_entire()
            && confirmed.sdp.is_some()
            && prack.sdp.is_none()
            && prack.sip.body().is_empty()
        {
            found.message(
                prack,
                format!(
                    "{} does not answer the offer in {}",
                    prack.told(),
                    confirmed.called()
                ),
            );
            return;
        }
        let answer = context.answered().find(|(_, own, request)| {
            own.is_success(&Method::Prack) && request.kept.transaction == prack.kept.transaction
        });
        let offers = invite.sdp.is_some() && confirmed.sdp.is_some() && prack.sdp.is_some();
        if let Some((_, answer, _)) = answer.filter(|(_, own, _)| {
            offers && own.sdp.is_none() && own.is_entire() && own.sip.body().is_empty()
        }) {
            found.message(
                answer,
                format!("{} does not answer the offer in the PRACK", answer.told()),
            );
            return;
        }
    }
}
