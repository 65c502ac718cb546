//! A side uses a dialog that was ended by BYE.
//!
//! The end did not reach every part of the program, as in a B2BUA whose other leg lives on.
//!
//! Fix: let BYE end everything that uses the dialog.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::time::SECOND;
use crate::time::millis;

pub(super) const RULE: Rule = Rule {
    code: "DLG016",
    name: "request-after-bye",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "15.1.1",
    source: include_str!("dlg016.rs"),
    flags: &["0 A>B BYE to=t cseq=2
         5 B>A 200 to=t cseq=2 method=BYE
         3000 A>B INFO to=t cseq=3 branch=3"],
    accepts: &["0 A>B BYE to=t cseq=2
         5 B>A 200 to=t cseq=2 method=BYE
         3000 A>B NOTIFY to=t cseq=3 branch=3"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let Some(bye) = context
        .responses()
        .find(|(_, own)| own.is_success(&Method::Bye))
        .map(|(_, own)| own)
    else {
        return;
    };
    let tags = [bye.from_tag, bye.to_tag];
    let late = context.inside().find(|own| {
        own.when().since(bye.when()) > SECOND
            && tags.contains(&own.from_tag)
            && tags.contains(&own.to_tag)
            && matches!(
                own.method,
                Method::Invite | Method::Update | Method::Info | Method::Message | Method::Prack
            )
    });
    if let Some(own) = late {
        found.message(
            own,
            format!(
                "{} {:.0} s after BYE was answered",
                own.told(),
                millis(own.when().since(bye.when())) / 1000.0
            ),
        );
    }
}
