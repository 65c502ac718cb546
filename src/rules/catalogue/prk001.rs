//! A provisional response asks to be confirmed though the caller does not know how.
//!
//! The INVITE has 100rel neither in Supported nor in Require; no PRACK will come, and the
//! call fails.
//!
//! Fix: let the callee ask for it only when the INVITE offers it.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "PRK001",
    name: "reliable-1xx-unsolicited",
    severity: Severity::Error,
    rfc: "RFC 3262",
    section: "3",
    symptom: Some("rejected"),
    source: include_str!("prk001.rs"),
    flags: &["0 A>B INVITE
         5 B>A 183 to=t header=Require:_100rel header=RSeq:_1"],
    accepts: &["0 A>B INVITE header=k:_100rel
         5 B>A 183 to=t header=Require:_100rel header=RSeq:_1"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, response, request) in context.answered().filter(|(_, own, _)| own.is_reliable()) {
        let knows = request.lists(HeaderName::Supported, "100rel")
            || request.lists(HeaderName::Require, "100rel");
        if !knows && request.is_entire() && response.is_original {
            let part = response.value(HeaderName::RSeq).unwrap_or_default();
            found.quote(
                response,
                part,
                format!(
                    "{} is to be confirmed; the INVITE does not offer 100rel",
                    response.told()
                ),
            );
        }
    }
}
