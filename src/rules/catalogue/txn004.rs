//! A request is repeated at a steady pace.
//!
//! Each wait must be twice the one before (from 500 ms, T1), so that a network that is full
//! gets air; five copies came at the same interval.
//!
//! Fix: let the sender double timer A (INVITE) or E (others).

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::time::MILLISECOND;

pub(super) const RULE: Rule = Rule {
    code: "TXN004",
    name: "retransmit-schedule-wrong",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "17.1.1.2",
    source: include_str!("txn004.rs"),
    flags: &["0 A>B INVITE
         500 A>B INVITE
         1000 A>B INVITE
         1500 A>B INVITE
         2000 A>B INVITE"],
    accepts: &[
        "0 A>B INVITE
         500 A>B INVITE
         1500 A>B INVITE
         3500 A>B INVITE
         7500 A>B INVITE",
        "0 A>B OPTIONS
         4000 A>B OPTIONS
         8000 A>B OPTIONS
         12000 A>B OPTIONS
         16000 A>B OPTIONS",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for exchange in &context.call().exchanges {
        for hop in context.hops(exchange) {
            let Some(interval) = hop.pace.steady_ns() else {
                continue;
            };
            found.add(
                format!(
                    "{} repeats {} every {} ms and never waits longer",
                    hop.flow.src,
                    hop.method.as_str(),
                    interval / MILLISECOND
                ),
                [hop.first],
            );
            found.by(hop.flow.src.ip.to_string());
        }
    }
}
