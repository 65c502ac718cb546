//! The numbers of provisional responses do not go up by one.
//!
//! A caller that sees a gap must wait for what is missing, which never comes.
//!
//! Fix: add one to RSeq for each reliable response of a dialog.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "PRK003",
    name: "rseq-not-plus-one",
    severity: Severity::Warning,
    rfc: "RFC 3262",
    section: "3",
    source: include_str!("prk003.rs"),
    flags: &["0 A>B INVITE header=Supported:_100rel
         5 B>A 183 to=t header=Require:_100rel header=RSeq:_1
         9 A>B PRACK to=t cseq=2 branch=2 header=RAck:_1_1_INVITE
         20 B>A 180 to=t header=Require:_100rel header=RSeq:_3"],
    accepts: &["0 A>B INVITE header=Supported:_100rel
         5 B>A 183 to=t header=Require:_100rel header=RSeq:_1
         9 A>B PRACK to=t cseq=2 branch=2 header=RAck:_1_1_INVITE
         20 B>A 180 to=t header=Require:_100rel header=RSeq:_2"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() {
        return;
    }
    let reliable: Vec<_> = context
        .originals()
        .filter(|own| own.is_reliable())
        .collect();
    for (place, message) in reliable.iter().enumerate() {
        let before = reliable
            .iter()
            .take(place)
            .rfind(|own| own.to_tag == message.to_tag && own.cseq == message.cseq);
        let (Some(old), Some(new)) = (
            before.and_then(|own| own.number(HeaderName::RSeq)),
            message.number(HeaderName::RSeq),
        ) else {
            continue;
        };
        if new != old + 1 && new != old {
            let part = message.value(HeaderName::RSeq).unwrap_or_default();
            found.quote(
                message,
                part,
                format!("{} has RSeq {new} after {old}", message.told()),
            );
            return;
        }
    }
}
