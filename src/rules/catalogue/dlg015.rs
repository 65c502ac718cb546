//! Both sides hung up at the same time.
//!
//! Each BYE is answered, one of them perhaps with 481. That is well.
//!
//! Fix: nothing; that happens.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "DLG015",
    name: "bye-glare",
    severity: Severity::Info,
    rfc: "RFC 3261",
    section: "15",
    source: include_str!("dlg015.rs"),
    flags: &["0 A>B BYE to=t cseq=2
         5 B>A BYE tag=t to=f branch=9"],
    accepts: &["0 A>B BYE to=t cseq=2
         5 B>A 200 to=t cseq=2 method=BYE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let byes: Vec<_> = context
        .requests(&Method::Bye)
        .filter(|own| own.is_original)
        .collect();
    if let [first, second, ..] = byes.as_slice()
        && first.from_tag == second.to_tag
        && second.when().since(first.when()) < SECOND
    {
        found.add("both sides send BYE", [first.at(), second.at()]);
    }
}
