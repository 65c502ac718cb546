//! A request is repeated although its final response passed.
//!
//! The response is lost between here and whoever asked: it went to the wrong port, or a NAT
//! or a firewall drops it.
//!
//! Fix: see where the response was sent: with rport it must go where the request came from.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TXN008",
    name: "retransmit-after-final",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "17.1.2.2",
    source: include_str!("txn008.rs"),
    flags: &["0 A>B OPTIONS
         5 B>A 200 to=t method=OPTIONS
         500 A>B OPTIONS
         1500 A>B OPTIONS"],
    accepts: &["0 A>B OPTIONS
         499 B>A 200 to=t method=OPTIONS
         500 A>B OPTIONS"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for hop in &context.call().transactions {
        if hop.after_final >= 2 && !hop.flow.transport.is_reliable() {
            found.add(
                format!(
                    "{} repeats {} {} times after {} had answered: the response does not arrive",
                    hop.flow.src,
                    hop.method.as_str(),
                    hop.after_final,
                    hop.flow.dst
                ),
                [hop.first],
            );
        }
    }
}
