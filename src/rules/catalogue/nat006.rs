//! A request goes to the inside address of a phone behind a NAT, and nobody answers.
//!
//! The registrar, or the other side, uses the Contact as the phone wrote it; from outside
//! that address leads nowhere.
//!
//! Fix: let the registrar keep where the REGISTER came from (received=, add_contact_alias),
//! or let the phone use outbound (RFC 5626) or its outside address.

use crate::nat::device::Realm;
use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::{Method, Uri};

pub(super) const RULE: Rule = Rule {
    code: "NAT006",
    name: "contact-unreachable",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.1.1.8",
    causes: &["TXN001"],
    symptom: Some("not-reachable"),
    source: include_str!("nat006.rs"),
    flags: &["0 P>Q INVITE uri=sip:bob@x
         1 Q>A INVITE uri=sip:bob@10.0.0.1 via=2 branch=2
         501 Q>A INVITE uri=sip:bob@10.0.0.1 via=2 branch=2
         1501 Q>A INVITE uri=sip:bob@10.0.0.1 via=2 branch=2
         3501 Q>A INVITE uri=sip:bob@10.0.0.1 via=2 branch=2
         40000 C>D OPTIONS call=later tag=o branch=o"],
    accepts: &[
        "0 P>Q INVITE uri=sip:bob@x
         1 Q>A INVITE uri=sip:bob@10.0.0.1 via=2 branch=2
         501 Q>A INVITE uri=sip:bob@10.0.0.1 via=2 branch=2
         1501 Q>A INVITE uri=sip:bob@10.0.0.1 via=2 branch=2
         3501 Q>A INVITE uri=sip:bob@10.0.0.1 via=2 branch=2
         3600 A>Q 486 to=t via=2 branch=2
         3601 Q>A ACK to=t via=2 branch=2
         40000 C>D OPTIONS call=later tag=o branch=o",
        "0 B>C INVITE uri=sip:bob@x
         1 C>A INVITE uri=sip:bob@10.0.0.1 via=2 branch=2
         501 C>A INVITE uri=sip:bob@10.0.0.1 via=2 branch=2
         1501 C>A INVITE uri=sip:bob@10.0.0.1 via=2 branch=2
         3501 C>A INVITE uri=sip:bob@10.0.0.1 via=2 branch=2
         40000 C>D OPTIONS call=later tag=o branch=o",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for exchange in &context.call().exchanges {
        let Some(hop) = context.hops(exchange).last() else {
            continue;
        };
        let Some(started) = hop.started else { continue };
        let (from, to) = (hop.flow.src.ip, hop.flow.dst.ip);
        let is_silent = hop.first_response.is_none()
            && hop.retransmissions >= 2
            && context.timed_out(started)
            && hop.method != Method::Ack;
        let leads_inside = Realm::of(from) == Realm::Global && Realm::of(to) != Realm::Global;
        if !is_silent || !leads_inside {
            continue;
        }
        let uri = hop.request_uri.as_deref().unwrap_or_default();
        let host = octets::text(Uri::parse(uri.as_bytes()).host);
        if host.parse() == Ok(to) {
            found.add(
                format!(
                    "{} goes from {from} to {to}, an address inside another network, and is not answered",
                    hop.method.as_str()
                ),
                [hop.first],
            );
            found.by(from.to_string());
        }
    }
}
