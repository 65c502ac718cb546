//! A CANCEL was never answered.
//!
//! Each hop answers it by itself, with 200 or 481, whatever becomes of the INVITE. Where it does
//! not, the CANCEL was lost or ignored, and the phone goes on ringing.
//!
//! Fix: look at the next hop with a capture of its own: whether the CANCEL arrives there, and with
//! the branch of the INVITE.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN026",
    name: "cancel-unanswered",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "9.2",
    source: include_str!("txn026.rs"),
    flags: &["0 A>B INVITE
         20 B>A 180 to=t
         500 A>B CANCEL
         1000 A>B CANCEL
         33000 C>D OPTIONS call=later tag=o branch=o"],
    accepts: &[
        "0 A>B INVITE
         20 B>A 180 to=t
         500 A>B CANCEL
         520 B>A 200 method=CANCEL
         33000 C>D OPTIONS call=later tag=o branch=o",
        // The capture ends before; or shows one direction.
        "0 A>B INVITE
         20 B>A 180 to=t
         500 A>B CANCEL
         1000 A>B CANCEL
         32000 C>D OPTIONS call=later tag=o branch=o",
        "0 A>B INVITE
         500 A>B CANCEL
         1000 A>B CANCEL
         33000 C>D OPTIONS call=later tag=o branch=o",
        // Sent once: the answer may be what the capture lacks.
        "0 A>B INVITE
         20 B>A 180 to=t
         500 A>B CANCEL
         33000 C>D OPTIONS call=later tag=o branch=o",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let hops = &context.call().transactions;
    for cancel in context.originals() {
        if !cancel.is_request() || cancel.method != Method::Cancel {
            continue;
        }
        let Some(hop) = hops.get(cancel.kept.transaction) else {
            continue;
        };
        let is_heard = context
            .responses()
            .any(|(_, own)| own.method == Method::Invite && own.flow() == cancel.flow().reversed());
        let waits = hop.retransmissions > 0 && hop.first_response.is_none();
        if waits && is_heard && context.timed_out(cancel.when()) {
            found.message(
                cancel,
                format!(
                    "{} was sent {} times and never answered",
                    cancel.told(),
                    hop.retransmissions + 1
                ),
            );
            found.by(cancel.flow().dst.ip.to_string());
        }
    }
}
