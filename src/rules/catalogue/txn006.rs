//! An INVITE is repeated although a provisional response passed.
//!
//! It was sent towards the caller and does not reach it: it went to the wrong port, or a
//! NAT or a firewall between here and the caller drops it.
//!
//! Fix: see where the response was sent: with rport it must go where the request came from.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN006",
    name: "retransmit-after-provisional",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "17.1.1.2",
    source: include_str!("txn006.rs"),
    flags: &["0 A>B INVITE
         5 B>A 100
         500 A>B INVITE
         1500 A>B INVITE
         3500 A>B INVITE"],
    accepts: &["0 A>B INVITE
         5 B>A 100
         300 A>B INVITE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for hop in &context.call().transactions {
        if hop.method == Method::Invite
            && hop.after_provisional >= 2
            && !hop.flow.transport.is_reliable()
        {
            found.add(format!("{} repeats INVITE {} times after {} had answered: the response does not arrive", hop.flow.src, hop.after_provisional, hop.flow.dst), [hop.first]);
        }
    }
}
