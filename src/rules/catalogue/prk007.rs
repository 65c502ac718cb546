//! A PRACK does not stand inside the dialog of what it confirms.
//!
//! It carries the To tag of the provisional response and the next number after the INVITE.
//!
//! Fix: send PRACK inside the early dialog, with CSeq one up.

use crate::octets;
use crate::rules::description::words;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "PRK007",
    name: "prack-cseq",
    severity: Severity::Error,
    rfc: "RFC 3262",
    section: "4",
    source: include_str!("prk007.rs"),
    flags: &[
        "0 A>B INVITE cseq=5 header=Supported:_100rel
         5 B>A 183 to=t cseq=5 header=Require:_100rel header=RSeq:_1
         9 A>B PRACK to=t cseq=5 branch=2 header=RAck:_1_5_INVITE",
        "0 A>B INVITE cseq=5 header=Supported:_100rel
         5 B>A 183 to=t cseq=5 header=Require:_100rel header=RSeq:_1
         9 A>B PRACK cseq=6 branch=2 header=RAck:_1_5_INVITE",
    ],
    accepts: &["0 A>B INVITE cseq=5 header=Supported:_100rel
         5 B>A 183 to=t cseq=5 header=Require:_100rel header=RSeq:_1
         9 A>B PRACK to=t cseq=6 branch=2 header=RAck:_1_5_INVITE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for prack in context
        .requests(&Method::Prack)
        .filter(|own| own.is_original)
    {
        let confirmed = prack
            .value(HeaderName::RAck)
            .and_then(|own| words(own).get(1).and_then(|own| octets::decimal(own)));
        let invited = confirmed.and_then(|own| u32::try_from(own).ok());
        let fault = if prack.to_tag.is_empty() {
            "has no To tag"
        } else if prack.cseq <= invited && invited.is_some() {
            "has no higher number than its INVITE"
        } else {
            continue;
        };
        let cseq = prack.value(HeaderName::CSeq).unwrap_or_default();
        found.quote(prack, cseq, format!("{} {fault}", prack.told()));
    }
}
