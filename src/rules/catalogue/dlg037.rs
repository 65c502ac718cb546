//! The callee hung up 32 seconds after it answered, for want of an ACK.
//!
//! Whoever answers waits 64*T1 for the ACK and then must end the session, though both
//! sides may have talked all the while.
//!
//! Fix: see TXN014: the ACK must arrive where the answer came from.

use crate::engine::session::Side;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::time::{SECOND, millis};

pub(super) const RULE: Rule = Rule {
    code: "DLG037",
    name: "dropped-at-32s",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "13.3.1.4",
    symptom: Some("dropped"),
    source: include_str!("dlg037.rs"),
    flags: &["0 A>B INVITE
         20 B>A 200 to=t
         30 A>C ACK branch=2 to=t
         520 B>A 200 to=t
         1520 B>A 200 to=t
         32020 B>A BYE tag=t to=f branch=9
         32021 A>B 200 tag=t to=f branch=9 method=BYE"],
    accepts: &[
        "0 A>B INVITE
         20 B>A 200 to=t
         30 A>B ACK branch=2 to=t
         32020 B>A BYE tag=t to=f branch=9
         32021 A>B 200 tag=t to=f branch=9 method=BYE",
        "0 A>B INVITE
         20 B>A 200 to=t
         30 A>C ACK branch=2 to=t
         30020 B>A BYE tag=t to=f branch=9",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.call().start_seen {
        return;
    }
    let exchanges = &context.call().exchanges;
    let bye = exchanges
        .iter()
        .find(|exchange| exchange.method == Method::Bye && exchange.by == Some(Side::Callee));
    let Some(bye) = bye else { return };
    for invite in context
        .attempts()
        .filter(|own| !own.acknowledged_to_answerer)
    {
        let answered = context
            .hops(invite)
            .filter(|hop| Some(hop.flow.dst) == invite.answerer)
            .filter_map(|hop| hop.final_response.as_ref())
            .find(|response| (200..300).contains(&response.status_code));
        let Some(answered) = answered else { continue };
        let after = bye.first.timestamp.since(answered.at);
        if (31 * SECOND..=34 * SECOND).contains(&after) {
            found.add(
                format!(
                    "BYE of the callee {:.1} s after its answer, which no ACK had reached",
                    millis(after) / 1000.0
                ),
                [bye.first],
            );
            found.by("callee");
        }
    }
}
