//! The callee hung up a call that it had not answered.
//!
//! Before its answer a callee refuses with 4xx to 6xx; BYE is for the caller, and for calls
//! that were answered.
//!
//! Fix: refuse the INVITE with a status of 400 or more instead.

use crate::engine::session::Side;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "DLG011",
    name: "bye-in-early-dialog-by-callee",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "15",
    source: include_str!("dlg011.rs"),
    flags: &["0 A>B INVITE
         5 B>A 180 to=t
         900 B>A BYE tag=t to=f branch=9"],
    accepts: &[
        "0 A>B INVITE
         5 B>A 180 to=t
         900 A>B BYE to=t branch=9 cseq=2",
        "0 A>B INVITE
         5 B>A 200 to=t
         900 B>A BYE tag=t to=f branch=9",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() || !context.call().start_seen {
        return;
    }
    for bye in context.requests(&Method::Bye).filter(|own| own.is_original) {
        if context.sender(bye) != Side::Callee {
            continue;
        }
        let of_dialog = || {
            context.responses().filter(|(_, own)| {
                own.to_tag == bye.from_tag
                    && own.method == Method::Invite
                    && own.when() < bye.when()
            })
        };
        let answered = of_dialog().any(|(status, _)| status >= 200);
        if of_dialog().next().is_some() && !answered {
            found.message(bye, format!("{} before the call was answered", bye.told()));
        }
    }
}
