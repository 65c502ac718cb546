//! A provisional response is to be confirmed and has no usable number.
//!
//! RSeq is from 1 to 2^32-1 and below 2^31 at first; PRACK repeats it.
//!
//! Fix: send RSeq with each reliable provisional response.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "PRK002",
    name: "rseq-invalid",
    severity: Severity::Error,
    rfc: "RFC 3262",
    section: "7.1",
    source: include_str!("prk002.rs"),
    flags: &[
        "0 A>B INVITE header=Supported:_100rel
         5 B>A 183 to=t header=Require:_100rel",
        "0 A>B INVITE header=Supported:_100rel
         5 B>A 183 to=t header=Require:_100rel header=RSeq:_0",
    ],
    accepts: &["0 A>B INVITE header=Supported:_100rel
         5 B>A 183 to=t header=Require:_100rel header=RSeq:_1"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context
        .responses()
        .filter(|(_, own)| own.is_original && own.is_entire())
    {
        let asks = message.lists(HeaderName::Require, "100rel") && (101..200).contains(&status);
        let number = message
            .number(HeaderName::RSeq)
            .filter(|own| (1..1 << 32).contains(own));
        if asks && number.is_none() {
            found.message(
                message,
                format!(
                    "{} is to be confirmed and has no RSeq from 1 on",
                    message.told()
                ),
            );
        }
    }
}
