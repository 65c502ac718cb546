//! A connection was closed before the request in it was answered.
//!
//! Whoever was asked closed it, or something between did in its name: a load balancer or firewall
//! whose idle time was over, or a server that fell over the request. The answer has no way back
//! then, and whoever asked waits until its timer ends.
//!
//! Fix: look at what closed it, and at its idle time; let both ends send keep-alives
//! (RFC 5626) more often than that.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TRN007",
    name: "connection-closed-before-response",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "18.4",
    symptom: Some("not-reachable"),
    source: include_str!("trn007.rs"),
    flags: &[
        "0 A>B OPTIONS over=tcp swap=2.0/UDP=>2.0/TCP
         40 B>A tcp FA",
        "0 A>B INVITE over=tcp swap=2.0/UDP=>2.0/TCP
         10 B>A 180 to=t over=tcp swap=2.0/UDP=>2.0/TCP
         40 B>A tcp R",
    ],
    accepts: &[
        "0 A>B OPTIONS over=tcp swap=2.0/UDP=>2.0/TCP
         20 B>A 200 to=t method=OPTIONS over=tcp swap=2.0/UDP=>2.0/TCP
         40 B>A tcp FA",
        // It was whoever asked; and answers that come later on another way.
        "0 A>B OPTIONS over=tcp swap=2.0/UDP=>2.0/TCP
         40 A>B tcp FA",
        "0 A>B OPTIONS over=tcp swap=2.0/UDP=>2.0/TCP
         40 B>A tcp FA
         60 B:7000>A 200 to=t method=OPTIONS over=tcp swap=2.0/UDP=>2.0/TCP",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for exchange in &context.call().exchanges {
        for hop in context.hops(exchange) {
            let Some(closed) = hop.closed else { continue };
            if hop.final_response.is_some() || hop.method == Method::Ack {
                continue;
            }
            found.add(
                format!(
                    "{} closed the connection before it answered the {} from {}",
                    hop.flow.dst,
                    hop.method.as_str(),
                    hop.flow.src
                ),
                [hop.first, closed],
            );
            found.by(hop.flow.dst.ip.to_string());
        }
    }
}
