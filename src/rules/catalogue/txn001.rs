//! A request was repeated until its sender gave up, and nobody answered.
//!
//! The sender repeats over UDP because no response of any kind reaches it. The peer
//! is down, a firewall or a NAT drops the request or the response, or the address is
//! the wrong one.
//!
//! Fix: look at the peer with a capture of its own. If the request arrives there and
//! is answered, the response is lost on its way back; else it is lost on its way.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::transaction::TRANSACTION_TIMEOUT_NS;
use crate::time::{SECOND, Timestamp};

pub(super) const RULE: Rule = Rule {
    code: "TXN001",
    name: "no-response",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "17.1.1.2",
    symptom: Some("not-reachable"),
    source: include_str!("txn001.rs"),
    flags: &["0 A>B INVITE
         500 A>B INVITE
         1500 A>B INVITE
         3500 A>B INVITE
         7500 A>B INVITE
         15500 A>B INVITE
         90000 C>D OPTIONS call=later tag=o branch=o"],
    accepts: &[
        "0 A>B INVITE
         500 A>B INVITE
         1500 A>B INVITE
         3500 A>B INVITE
         3600 B>A 486 to=t
         3610 A>B ACK to=t
         90000 C>D OPTIONS call=later tag=o branch=o",
        "0 A>B INVITE
         500 A>B INVITE
         1500 A>B INVITE
         3500 A>B INVITE
         7500 A>B INVITE",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for exchange in &context.call().exchanges {
        // Where one hop waits for the next, the last one is silent.
        let Some(hop) = context.hops(exchange).last() else {
            continue;
        };
        let Some(started) = hop.started else { continue };
        // An answer after 32 s comes too late: whoever asked has given up.
        let in_time = |at: Timestamp| at.since(started) < TRANSACTION_TIMEOUT_NS;
        let unanswered = !hop.first_response.is_some_and(in_time)
            && hop.icmp.is_none()
            && hop.method != Method::Ack;
        // One that is repeated shows that nothing came back, whatever part of
        // the traffic was captured.
        let gave_up = (hop.retransmissions >= 3 && context.timed_out(started))
            || (hop.method == Method::Invite
                && hop.retransmissions >= 5
                && context.capture.lasted(started, 15 * SECOND));
        if !unanswered || !gave_up {
            continue;
        }
        found.add(
            format!(
                "{} was sent {} times from {} to {} and never answered",
                hop.method.as_str(),
                hop.retransmissions + 1,
                hop.flow.src,
                hop.flow.dst
            ),
            [hop.first],
        );
        found.by(hop.flow.dst.ip.to_string());
    }
}
