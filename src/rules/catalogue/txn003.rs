//! A request was sent again and again.
//!
//! Over UDP whoever asks repeats until an answer comes. Once is chance; three times is
//! loss on the way, or a server that takes long to say 100.
//!
//! Fix: compare the round trip with the time to the first response, at both ends.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN003",
    name: "retransmissions",
    severity: Severity::Info,
    rfc: "RFC 3261",
    section: "17.1.1.2",
    source: include_str!("txn003.rs"),
    flags: &["0 A>B OPTIONS
         500 A>B OPTIONS
         1500 A>B OPTIONS
         3500 A>B OPTIONS
         3501 B>A 200 to=t method=OPTIONS"],
    accepts: &["0 A>B OPTIONS
         500 A>B OPTIONS
         501 B>A 200 to=t method=OPTIONS"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for hop in &context.call().transactions {
        let copies = hop
            .retransmissions
            .saturating_sub(hop.answer_retransmissions + hop.failure_retransmissions);
        if copies >= 3 && hop.method != Method::Ack && !hop.flow.transport.is_reliable() {
            found.add(
                format!(
                    "{} from {} to {} was sent {} times",
                    hop.method.as_str(),
                    hop.flow.src,
                    hop.flow.dst,
                    copies + 1
                ),
                [hop.first],
            );
        }
    }
}
