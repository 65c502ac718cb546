//! A response was sent elsewhere than to where it must go.
//!
//! With rport in the Via it goes back to the address and port that the request came from,
//! and from the address that the request went to; only so it finds the way through a NAT.
//! Without, it goes to the port that the Via names.
//!
//! Fix: enable rport at the server (force_rport, nat=force_rport).

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "TXN035",
    name: "response-misdirected",
    severity: Severity::Error,
    rfc: "RFC 3581",
    section: "4",
    causes: &["TXN006", "TXN008", "TXN001"],
    source: include_str!("txn035.rs"),
    flags: &["0 A:5070>B OPTIONS swap=;branch=>;rport;branch
         1 B>A:5060 200 to=t method=OPTIONS swap=;branch=>;rport;branch"],
    accepts: &[
        "0 A:5070>B OPTIONS swap=;branch=>;rport;branch
         1 B>A:5070 200 to=t method=OPTIONS swap=;branch=>;rport=5070;received=10.0.0.1;branch",
        "0 A:5070>B OPTIONS
         1 B>A:5070 200 to=t method=OPTIONS",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, response, request) in context.answered() {
        let (asked, told) = (request.flow(), response.flow());
        let Ok(via) = request.sip.top_via() else {
            continue;
        };
        let same_point = request.at().capture_point == response.at().capture_point;
        if via.rport.is_none()
            || !request.is_udp()
            || !response.is_udp()
            || !same_point
            || !response.is_original
        {
            continue;
        }
        if told.dst != asked.src {
            let part = response.value(HeaderName::Via).unwrap_or_default();
            found.quote(
                response,
                part,
                format!(
                    "{} goes to {} though the request came from {} and asked for rport",
                    response.told(),
                    told.dst,
                    asked.src
                ),
            );
        } else if told.src != asked.dst {
            let part = response.value(HeaderName::Via).unwrap_or_default();
            found.quote(
                response,
                part,
                format!(
                    "{} answers a request that went to {}",
                    response.told(),
                    asked.dst
                ),
            );
        }
    }
}
