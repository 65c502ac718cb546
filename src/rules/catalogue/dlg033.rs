//! Whoever transferred hung up before it knew how the transfer went.
//!
//! If it fails nobody can take the call back.
//!
//! Fix: wait for the NOTIFY with 200 if the call must not be lost.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "DLG033",
    name: "bye-before-transfer-complete",
    severity: Severity::Info,
    rfc: "RFC 5589",
    section: "6",
    source: include_str!("dlg033.rs"),
    flags: &["0 A>B REFER to=t cseq=2 header=Refer-To:_<sip:c@x>
         5 B>A 202 to=t cseq=2 method=REFER
         900 A>B BYE to=t cseq=3 branch=9"],
    accepts: &["0 A>B REFER to=t cseq=2 header=Refer-To:_<sip:c@x>
         5 B>A 202 to=t cseq=2 method=REFER
         300 B>A NOTIFY tag=t to=f branch=n header=Event:_refer header=Subscription-State:_terminated body=SIP/2.0_200_OK header=Content-Type:_message/sipfrag
         900 A>B BYE to=t cseq=3 branch=9"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for refer in context
        .call()
        .exchanges
        .iter()
        .filter(|own| own.method == Method::Refer)
    {
        let bye = context.requests(&Method::Bye).find(|own| {
            octets::text(own.from_tag) == refer.from_tag && own.when() > refer.first.timestamp
        });
        let Some(bye) = bye else { continue };
        let done = context.requests(&Method::Notify).any(|own| {
            let body = own.sip.body_of_type("message/sipfrag").unwrap_or_default();
            own.when() < bye.when() && !body.is_empty() && !body.starts_with(b"SIP/2.0 1")
        });
        if !done {
            found.message(
                bye,
                format!("{} before the transfer was reported", bye.told()),
            );
        }
    }
}
