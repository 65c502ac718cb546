//! A request was repeated over a transport that loses nothing.
//!
//! TCP repeats by itself. A second copy of the request makes the receiver work twice, or
//! is taken for another request.
//!
//! Fix: switch the timers A and E off for TCP, TLS and WebSocket.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TXN005",
    name: "retransmit-on-reliable",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "17.1.1.2",
    source: include_str!("txn005.rs"),
    flags: &["0 A>B OPTIONS over=tcp
         500 A>B OPTIONS over=tcp
         501 B>A 200 to=t method=OPTIONS over=tcp"],
    accepts: &[
        "0 A>B OPTIONS over=tcp
         501 B>A 200 to=t method=OPTIONS over=tcp",
        "0 A>B OPTIONS
         500 A>B OPTIONS
         501 B>A 200 to=t method=OPTIONS",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for hop in &context.call().transactions {
        let copies = hop
            .retransmissions
            .saturating_sub(hop.answer_retransmissions);
        if copies >= 1 && hop.flow.transport.is_reliable() && hop.started.is_some() {
            found.add(
                format!(
                    "{} from {} to {} was sent again over {}",
                    hop.method.as_str(),
                    hop.flow.src,
                    hop.flow.dst,
                    hop.flow.transport.name()
                ),
                [hop.first],
            );
            found.by(hop.flow.src.ip.to_string());
        }
    }
}
