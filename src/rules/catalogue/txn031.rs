//! A request ran out of hops.
//!
//! Each proxy takes one from Max-Forwards; the one that finds none left answers 483.
//! Seventy hops are a loop whose Request-URI changes on the way, unless the request
//! began with few.
//!
//! Fix: follow the request from proxy to proxy; where it comes back, the routing of
//! that domain or number is wrong.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "TXN031",
    name: "too-many-hops",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "16.3",
    symptom: Some("rejected"),
    source: include_str!("txn031.rs"),
    flags: &[
        "0 A>B INVITE
         10 B>A 483 to=t
         11 A>B ACK to=t",
        "0 A>B INVITE swap=70=>3
         10 B>A 483 to=t
         11 A>B ACK to=t",
        "0 A>B OPTIONS swap=70=>0 via=2
         10 B>A 483 to=t method=OPTIONS",
    ],
    accepts: &[
        "0 A>B OPTIONS swap=70=>3
         10 B>A 483 to=t method=OPTIONS",
        "0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         3000 A>B BYE to=t branch=9 cseq=2
         3001 B>A 200 to=t branch=9 cseq=2 method=BYE",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

/// Hops that nobody starts with who means to arrive.
const FEW: u64 = 16;

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses() {
        // RFC 3261, 11: OPTIONS that begin with few hops look for the way.
        let is_trace = context.request_of(message).is_some_and(|asked| {
            asked.method == Method::Options
                && asked.sip.via_count() == 1
                && asked.number(HeaderName::MaxForwards) < Some(FEW)
        });
        if status == 483 && message.sip.via_count() <= 1 && !is_trace {
            found.message(
                message,
                format!(
                    "{} finds no hops left: 483 to {}",
                    message.flow().src,
                    message.method.as_str()
                ),
            );
        }
    }
}
