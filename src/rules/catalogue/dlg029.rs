//! A REFER does not name exactly one Refer-To.
//!
//! Nobody can tell whom to call; it is answered 400.
//!
//! Fix: name exactly one target in Refer-To.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "DLG029",
    name: "refer-to-invalid",
    severity: Severity::Error,
    rfc: "RFC 3515",
    section: "2.4.2",
    symptom: Some("transfer-failed"),
    source: include_str!("dlg029.rs"),
    flags: &[
        "0 A>B REFER to=t cseq=2",
        "0 A>B REFER to=t cseq=2 header=Refer-To:_<sip:c@x> header=Refer-To:_<sip:d@x>",
    ],
    accepts: &["0 A>B REFER to=t cseq=2 header=Refer-To:_<sip:c@x>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Refer)
        .filter(|own| own.is_original && own.is_entire())
    {
        let count = message.fields(HeaderName::ReferTo).len();
        if count != 1 {
            found.message(message, format!("{} names {count} targets", message.told()));
        }
    }
}
