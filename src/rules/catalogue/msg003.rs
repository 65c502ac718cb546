//! Digits or other news travel in INFO as they did before packages were defined.
//!
//! Both sides must have been set up for it; one that is not answers 200 and does nothing.
//!
//! Fix: use RFC 4733 for digits.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "MSG003",
    name: "info-without-package",
    severity: Severity::Info,
    rfc: "RFC 6086",
    section: "2",
    source: include_str!("msg003.rs"),
    flags: &["0 A>B INFO to=t cseq=2 body=Signal=1 header=Content-Type:_application/dtmf-relay"],
    accepts: &[
        "0 A>B INFO to=t cseq=2 body=Signal=1 header=Content-Type:_application/dtmf-relay header=Info-Package:_dtmf",
    ],
    needs: Needs::methods(&[Method::Info]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Info)
        .filter(|own| own.is_original)
    {
        if message.field_named("Info-Package").is_none() && !message.sip.body().is_empty() {
            found.message(message, format!("{} has no Info-Package", message.told()));
            return;
        }
    }
}
