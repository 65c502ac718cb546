//! A CANCEL is sent before the INVITE had any answer.
//!
//! It must wait for a provisional response: else it may overtake the INVITE, is answered with
//! 481, and the phone rings on.
//!
//! Fix: let the client keep the wish to cancel until a 1xx came.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN021",
    name: "cancel-before-provisional",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "9.1",
    source: include_str!("txn021.rs"),
    flags: &["0 A>B INVITE
         50 A>B CANCEL
         80 B>A 180 to=t"],
    accepts: &[
        "0 A>B INVITE
         40 B>A 100
         50 A>B CANCEL
         80 B>A 180 to=t",
        // Without any answer, what comes from there may not have been captured.
        "0 A>B INVITE
         50 A>B CANCEL",
        // They cross: the answer was on its way.
        "0 A>B INVITE
         50 A>B CANCEL
         55 B>A 100",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

/// What came so soon after the CANCEL may have passed it on the way, in nanoseconds.
const CROSSING_NS: i64 = 20 * crate::time::MILLISECOND;

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let hops = &context.call().transactions;
    for cancel in context.requests(&Method::Cancel) {
        let invite = context.requests(&Method::Invite).find(|own| {
            own.flow() == cancel.flow()
                && own.cseq == cancel.cseq
                && own.from_tag == cancel.from_tag
                && own.when() <= cancel.when()
        });
        let hop = invite.and_then(|own| hops.get(own.kept.transaction));
        let first = hop.and_then(|own| own.first_response);
        if first.is_some_and(|first| first.since(cancel.when()) > CROSSING_NS) {
            found.message(
                cancel,
                format!("{} comes before any answer to the INVITE", cancel.told()),
            );
            found.by(cancel.flow().src.ip.to_string());
            return;
        }
    }
}
