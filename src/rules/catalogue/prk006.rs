//! A PRACK confirms a response that was never sent.
//!
//! RAck repeats RSeq and CSeq of the provisional response; anything else is answered 481.
//!
//! Fix: build RAck of the response that is confirmed.

use crate::octets;
use crate::rules::description::words;
use crate::rules::{CallContext, Check, Findings, Message, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "PRK006",
    name: "rack-mismatch",
    severity: Severity::Error,
    rfc: "RFC 3262",
    section: "7.2",
    source: include_str!("prk006.rs"),
    flags: &["0 A>B INVITE header=Supported:_100rel
         5 B>A 183 to=t header=Require:_100rel header=RSeq:_1
         9 A>B PRACK to=t cseq=2 branch=2 header=RAck:_2_1_INVITE"],
    accepts: &["0 A>B INVITE header=Supported:_100rel
         5 B>A 183 to=t header=Require:_100rel header=RSeq:_1
         9 A>B PRACK to=t cseq=2 branch=2 header=RAck:_1_1_INVITE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() {
        return;
    }
    for prack in context
        .requests(&Method::Prack)
        .filter(|own| own.is_original)
    {
        let Some(value) = prack.value(HeaderName::RAck) else {
            continue;
        };
        let sent: Vec<_> = context
            .messages
            .iter()
            .filter(|own| {
                own.is_reliable() && own.to_tag == prack.to_tag && own.when() < prack.when()
            })
            .collect();
        let parts = words(value);
        let fits = |own: &&&Message<'_>| {
            parts.first().and_then(|own| octets::decimal(own)) == own.number(HeaderName::RSeq)
                && parts.get(1).and_then(|own| octets::decimal(own)) == own.cseq.map(u64::from)
                && parts.get(2) == Some(&&b"INVITE"[..])
        };
        if !sent.is_empty() && sent.iter().find(fits).is_none() {
            found.quote(
                prack,
                value,
                format!(
                    "{} confirms {}, which was not sent",
                    prack.told(),
                    octets::text(value)
                ),
            );
        }
    }
}
