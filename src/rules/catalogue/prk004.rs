//! A second provisional response is sent before the first was confirmed.
//!
//! Only after the first PRACK may the next one go out: they may overtake one another.
//!
//! Fix: wait for the PRACK of the first.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "PRK004",
    name: "second-reliable-before-prack",
    severity: Severity::Warning,
    rfc: "RFC 3262",
    section: "3",
    source: include_str!("prk004.rs"),
    flags: &["0 A>B INVITE header=Supported:_100rel
         5 B>A 183 to=t header=Require:_100rel header=RSeq:_1
         6 B>A 180 to=t header=Require:_100rel header=RSeq:_2
         9 A>B PRACK to=t cseq=2 branch=2 header=RAck:_1_1_INVITE"],
    accepts: &["0 A>B INVITE header=Supported:_100rel
         5 B>A 183 to=t header=Require:_100rel header=RSeq:_1
         9 A>B PRACK to=t cseq=2 branch=2 header=RAck:_1_1_INVITE
         20 B>A 180 to=t header=Require:_100rel header=RSeq:_2"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let reliable: Vec<_> = context
        .originals()
        .filter(|own| own.is_reliable())
        .collect();
    for pair in reliable.windows(2) {
        let [first, second] = pair else { continue };
        let same = first.to_tag == second.to_tag
            && first.cseq == second.cseq
            && first.number(HeaderName::RSeq) != second.number(HeaderName::RSeq);
        let prack = context
            .requests(&Method::Prack)
            .find(|own| own.to_tag == first.to_tag);
        // A PRACK that was never seen may be missing in the capture.
        if same && prack.is_some_and(|own| own.when() > second.when()) {
            found.message(
                second,
                format!("{} before the first was confirmed", second.told()),
            );
            return;
        }
    }
}
