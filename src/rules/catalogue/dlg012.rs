//! The callee hung up before the ACK to its answer had come.
//!
//! It must wait for the ACK, or for 32 seconds.
//!
//! Fix: let the callee wait for the ACK.

use crate::engine::session::Side;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "DLG012",
    name: "bye-before-ack-by-callee",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "15",
    source: include_str!("dlg012.rs"),
    flags: &["0 A>B INVITE
         5 B>A 200 to=t
         7 B>A BYE tag=t to=f branch=9
         10 A>B ACK to=t branch=2"],
    accepts: &["0 A>B INVITE
         5 B>A 200 to=t
         7 A>B ACK to=t branch=2
         10 B>A BYE tag=t to=f branch=9"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for bye in context
        .requests(&Method::Bye)
        .filter(|own| own.is_original && context.sender(own) == Side::Callee)
    {
        let ack = context
            .requests(&Method::Ack)
            .find(|own| own.to_tag == bye.from_tag);
        if let Some(ack) =
            ack.filter(|own| own.when() > bye.when() && own.flow() == bye.flow().reversed())
        {
            found.message(bye, format!("{} before the ACK came", bye.told()));
            found.also(ack.at());
        }
    }
}
