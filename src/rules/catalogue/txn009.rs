//! An INVITE waited longer than its sender's timer for any response.
//!
//! A server says 100 within 200 ms when it can't say more; the caller repeats the INVITE
//! after 500 ms.
//!
//! Fix: let the element say 100 before it looks anything up; see whether it is overloaded.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::time::SECOND;
use crate::time::millis;

pub(super) const RULE: Rule = Rule {
    code: "TXN009",
    name: "trying-late",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "17.2.1",
    source: include_str!("txn009.rs"),
    flags: &["0 A>B INVITE
         500 A>B INVITE
         700 B>A 100"],
    accepts: &["0 A>B INVITE
         450 B>A 100"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for hop in &context.call().transactions {
        let (Some(started), Some(answered)) = (hop.started, hop.first_response) else {
            continue;
        };
        let waited = answered.since(started);
        if hop.method == Method::Invite && waited > SECOND / 2 && hop.retransmissions >= 1 {
            found.add(
                format!(
                    "{} needs {:.0} ms for the first response to INVITE",
                    hop.flow.dst,
                    millis(waited)
                ),
                [hop.first],
            );
            found.by(hop.flow.dst.ip.to_string());
        }
    }
}
