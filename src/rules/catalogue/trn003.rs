//! A request in IP fragments is never answered.
//!
//! Many firewalls and NATs drop fragments, and a filter of one on the way may let only the first
//! pass, which alone names the ports. Small messages get through, this one doesn't.
//!
//! Fix: let the sender use TCP for what is longer than 1300 octets, or make it shorter; let the
//! firewall put fragments together before it looks at them.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TRN003",
    name: "udp-fragmented",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "18.1.1",
    symptom: Some("not-reachable"),
    causes: &["TXN001"],
    source: include_str!("trn003.rs"),
    flags: &["0 A>B INVITE fragment=64
         500 A>B INVITE fragment=64
         33000 C>D OPTIONS call=later tag=o branch=o"],
    accepts: &[
        // Answered; not to be answered yet; and in one piece.
        "0 A>B INVITE fragment=64
         20 B>A 486 to=t
         33000 C>D OPTIONS call=later tag=o branch=o",
        "0 A>B INVITE fragment=64
         500 A>B INVITE fragment=64
         31000 C>D OPTIONS call=later tag=o branch=o",
        "0 A>B INVITE
         500 A>B INVITE
         33000 C>D OPTIONS call=later tag=o branch=o",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let requests = context.originals().filter(|own| own.is_request());
    for message in requests.filter(|own| own.is_udp() && own.packets() > 1) {
        let hops = &context.call().transactions;
        let Some(hop) = hops.get(message.kept.transaction) else {
            continue;
        };
        // Only what was repeated shows that its sender still waits.
        let waits = hop.retransmissions > 0 && hop.first_response.is_none();
        if waits && message.method != Method::Ack && context.timed_out(message.when()) {
            found.message(
                message,
                format!(
                    "{} came in {} IP fragments and was never answered",
                    message.told(),
                    message.packets()
                ),
            );
            found.by(message.flow().dst.ip.to_string());
        }
    }
}
