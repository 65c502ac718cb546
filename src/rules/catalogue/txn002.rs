//! An INVITE was answered provisionally and then never decided.
//!
//! Whoever rings must say so at least every minute, and a proxy gives up after three; here
//! nothing came for that long and nobody cancelled.
//!
//! Fix: see what the last element that answered waits for; let proxies run Timer C.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "TXN002",
    name: "invite-never-final",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "16.6",
    source: include_str!("txn002.rs"),
    flags: &["0 A>B INVITE
         10 B>A 180 to=t
         200000 C>D OPTIONS call=later tag=o branch=o"],
    accepts: &["0 A>B INVITE
         10 B>A 180 to=t
         170000 C>D OPTIONS call=later tag=o branch=o"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() {
        return;
    }
    for exchange in context
        .call()
        .exchanges
        .iter()
        .filter(|own| own.method == Method::Invite)
    {
        for hop in context.hops(exchange) {
            let last = context
                .responses()
                .filter(|(_, own)| {
                    own.at().timestamp >= hop.first.timestamp && own.method == Method::Invite
                })
                .last();
            let Some((_, last)) = last else { continue };
            let waits = hop.first_response.is_some()
                && hop.final_response.is_none()
                && exchange.cancelled.is_none();
            if waits && context.capture.lasted(last.when(), 180 * SECOND) {
                found.add(
                    format!("nothing after {} for three minutes", last.told()),
                    [hop.first, last.at()],
                );
                found.by(hop.flow.dst.ip.to_string());
                return;
            }
        }
    }
}
