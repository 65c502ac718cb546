//! A response names another To tag than its request.
//!
//! The request belongs to one dialog and the response to another; the one who asked can't
//! tell what was answered.
//!
//! Fix: whoever answers must copy To as it came.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SYN015",
    name: "to-tag-altered",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.2.6.2",
    source: include_str!("syn015.rs"),
    flags: &["0 A>B BYE to=t cseq=2
         1 B>A 200 to=u cseq=2 method=BYE"],
    accepts: &["0 A>B BYE to=t cseq=2
         1 B>A 200 to=t cseq=2 method=BYE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, response, request) in context.answered() {
        let (asked, told) = (request.to_tag, response.to_tag);
        if !asked.is_empty() && !told.is_empty() && asked != told {
            let text = format!(
                "{} names To tag {}; the request has {}",
                response.told(),
                octets::text(told),
                octets::text(asked)
            );
            found.quote(response, told, text);
        }
    }
}
