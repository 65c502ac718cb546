//! A CANCEL is for a request that is no INVITE.
//!
//! Such requests are answered at once or not at all; there is nothing to cancel.
//!
//! Fix: let the request time out.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN024",
    name: "cancel-noninvite",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "9.1",
    source: include_str!("txn024.rs"),
    flags: &["0 A>B OPTIONS
         900 A>B CANCEL"],
    accepts: &["0 A>B INVITE
         5 B>A 100
         900 A>B CANCEL"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for cancel in context
        .requests(&Method::Cancel)
        .filter(|own| own.is_original)
    {
        let mut same = context.messages.iter().filter(|own| {
            own.is_request() && own.cseq == cancel.cseq && own.flow() == cancel.flow()
        });
        let invited = same.clone().any(|own| own.method == Method::Invite);
        let other =
            same.find(|own| !matches!(own.method, Method::Invite | Method::Ack | Method::Cancel));
        if let (false, Some(other)) = (invited, other) {
            found.message(
                cancel,
                format!("{} is for {}", cancel.told(), other.method.as_str()),
            );
        }
    }
}
