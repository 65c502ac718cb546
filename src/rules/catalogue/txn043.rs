//! The network refused a SIP request.
//!
//! An ICMP error quotes it: nothing listens at the port, no way leads to the host, or
//! a filter forbids it.
//!
//! Fix: port unreachable: start the service, or correct the port. Host or network
//! unreachable: correct the address or the route. Prohibited: open the firewall.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TXN043",
    name: "icmp-error-on-sip",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "18.4",
    symptom: Some("not-reachable"),
    causes: &["TXN001"],
    source: include_str!("txn043.rs"),
    flags: &["0 A>B INVITE
         1 B>A icmp"],
    accepts: &["0 A>B INVITE
         1 B>A icmp
         500 A>B INVITE
         510 B>A 486 to=t
         511 A>B ACK to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for exchange in &context.call().exchanges {
        for hop in context.hops(exchange) {
            let Some((kind, _)) = hop.icmp else { continue };
            if hop.first_response.is_some() || hop.final_response.is_some() {
                continue;
            }
            found.add(
                format!(
                    "{} from {} to {} meets ICMP {}",
                    hop.method.as_str(),
                    hop.flow.src,
                    hop.flow.dst,
                    kind.name()
                ),
                [hop.first],
            );
            found.by(hop.flow.dst.ip.to_string());
        }
    }
}
