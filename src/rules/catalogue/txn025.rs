//! A CANCEL was accepted, and the INVITE that it cancels never got a final response.
//!
//! Whoever accepts a CANCEL answers the INVITE with 487; without it the caller's side
//! waits for ever, and the phone may ring on.
//!
//! Fix: the side that answered the CANCEL must end the INVITE with 487 (Request
//! Terminated).

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN025",
    name: "no-487-after-cancel",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "9.2",
    source: include_str!("txn025.rs"),
    flags: &["0 A>B INVITE
         10 B>A 180 to=t
         900 A>B CANCEL
         901 B>A 200 method=CANCEL to=t
         90000 C>D OPTIONS call=later tag=o branch=o"],
    accepts: &[
        "0 A>B INVITE
         10 B>A 180 to=t
         900 A>B CANCEL
         901 B>A 200 method=CANCEL to=t
         902 B>A 487 to=t
         903 A>B ACK to=t
         90000 C>D OPTIONS call=later tag=o branch=o",
        "0 A>B INVITE
         10 B>A 180 to=t
         900 A>B CANCEL
         901 B>A 200 method=CANCEL to=t",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for invite in context.attempts() {
        let Some(cancelled) = invite.cancelled else {
            continue;
        };
        let accepted = context.call().exchanges.iter().any(|exchange| {
            exchange.method == Method::Cancel
                && exchange.cseq == invite.cseq
                && context
                    .hops(exchange)
                    .filter_map(|hop| hop.final_response.as_ref())
                    .any(|response| (200..300).contains(&response.status_code))
        });
        // A provisional response shows that the way back was captured.
        let silent = context
            .hops(invite)
            .find(|hop| hop.first_response.is_some() && hop.final_response.is_none());
        let answered = context.hops(invite).any(|hop| hop.final_response.is_some());
        if let Some(hop) = silent.filter(|_| accepted && !answered)
            && context.timed_out(cancelled)
        {
            found.add(
                format!(
                    "{} accepts the CANCEL and never ends the INVITE",
                    hop.flow.dst
                ),
                [invite.first],
            );
            found.by(hop.flow.dst.ip.to_string());
        }
    }
}
