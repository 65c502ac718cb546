//! A 100 asks to be confirmed.
//!
//! 100 says only that this hop has the INVITE; it never goes further, and no PRACK answers
//! it.
//!
//! Fix: leave Require and RSeq out of 100.

use crate::rules::message::has;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "PRK008",
    name: "reliable-100",
    severity: Severity::Error,
    rfc: "RFC 3262",
    section: "3",
    source: include_str!("prk008.rs"),
    flags: &["0 A>B INVITE header=Supported:_100rel
         5 B>A 100 header=Require:_100rel header=RSeq:_1"],
    accepts: &["0 A>B INVITE header=Supported:_100rel
         5 B>A 100"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses().filter(|(_, own)| own.is_original) {
        if status == 100
            && (message.lists(HeaderName::Require, "100rel") || has(&message.sip, HeaderName::RSeq))
        {
            found.message(message, format!("{} asks to be confirmed", message.told()));
        }
    }
}
