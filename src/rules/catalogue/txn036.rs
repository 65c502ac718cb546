//! A response does not tell where its request came from.
//!
//! Whoever asked put rport into its Via, or names an address there that it does not send
//! from. The server must fill in rport and received, by which a phone behind a NAT learns
//! its outside address.
//!
//! Fix: enable rport at the server.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::split_host_port;
use std::net::IpAddr;

pub(super) const RULE: Rule = Rule {
    code: "TXN036",
    name: "received-or-rport-missing",
    severity: Severity::Warning,
    rfc: "RFC 3581",
    section: "4",
    source: include_str!("txn036.rs"),
    flags: &[
        "0 A>B OPTIONS swap=h0;=>10.0.0.1;rport;
         1 B>A 200 to=t method=OPTIONS swap=h0;=>10.0.0.1;rport;",
        "0 A>B OPTIONS swap=h0;=>192.168.1.9;
         1 B>A 200 to=t method=OPTIONS swap=h0;=>192.168.1.9;",
    ],
    accepts: &[
        "0 A>B OPTIONS swap=h0;=>10.0.0.1;rport;
         1 B>A 200 to=t method=OPTIONS swap=h0;=>10.0.0.1;rport=5060;received=10.0.0.1;",
        "0 A>B OPTIONS swap=h0;=>10.0.0.1;
         1 B>A 200 to=t method=OPTIONS swap=h0;=>10.0.0.1;",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, response, request) in context.answered() {
        let (Ok(asked), Ok(told)) = (request.sip.top_via(), response.sip.top_via()) else {
            continue;
        };
        let source = request.flow().src;
        let named = || -> Option<IpAddr> { octets::address(split_host_port(asked.sent_by).0) };
        let fault = if asked.rport.is_some_and(<[u8]>::is_empty)
            && told.rport.is_none_or(<[u8]>::is_empty)
        {
            "does not fill in rport"
        } else if told.received.is_none()
            && asked.received.is_none()
            && named().is_some_and(|ip| ip != source.ip)
        {
            "does not add received"
        } else {
            continue;
        };
        if request.at().capture_point == response.at().capture_point && response.is_entire() {
            let part = response.value(HeaderName::Via).unwrap_or_default();
            found.quote(
                response,
                part,
                format!(
                    "{} {fault}; the request came from {source}",
                    response.told()
                ),
            );
            return;
        }
    }
}
