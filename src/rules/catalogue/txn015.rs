//! The refusal of an INVITE is repeated because no ACK comes.
//!
//! Each hop confirms a refusal to the next. The refusal does not reach the one who asked,
//! or its ACK does not come back.
//!
//! Fix: see where the refusal was sent, and whether a NAT or a firewall drops it.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TXN015",
    name: "ack-missing-non2xx",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "17.1.1.3",
    source: include_str!("txn015.rs"),
    flags: &["0 A>B INVITE
         5 B>A 486 to=t
         505 B>A 486 to=t
         1505 B>A 486 to=t
         3505 B>A 486 to=t
         40000 C>D OPTIONS call=later tag=o branch=o"],
    accepts: &["0 A>B INVITE
         5 B>A 486 to=t
         505 B>A 486 to=t
         1505 B>A 486 to=t
         1600 A>B ACK to=t
         40000 C>D OPTIONS call=later tag=o branch=o"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for hop in &context.call().transactions {
        let refused = hop
            .final_response
            .as_ref()
            .filter(|own| own.status_code >= 300);
        let Some(refused) = refused else { continue };
        if hop.failure_retransmissions >= 2
            && hop.acknowledged.is_none()
            && context.timed_out(refused.at)
            && context.is_whole()
        {
            found.add(
                format!(
                    "{} sent {} {} times and no ACK came from {}",
                    hop.flow.dst,
                    refused.status_code,
                    hop.failure_retransmissions + 1,
                    hop.flow.src
                ),
                [hop.first],
            );
            found.by(hop.flow.src.ip.to_string());
        }
    }
}
