//! A BYE was refused.
//!
//! The one who hung up takes the call as ended all the same; the other may keep it,
//! and a call that one side keeps is billed, or blocks a line.
//!
//! Fix: a challenge (401, 407) must be answered for BYE as for INVITE; any other
//! refusal is a fault of the one who refuses.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "DLG013",
    name: "bye-not-2xx",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "15.1.2",
    source: include_str!("dlg013.rs"),
    flags: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         3000 A>B BYE to=t branch=9 cseq=2
         3001 B>A 500 to=t branch=9 cseq=2 method=BYE"],
    accepts: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         3000 A>B BYE to=t branch=9 cseq=2
         3001 B>A 200 to=t branch=9 cseq=2 method=BYE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for exchange in &context.call().exchanges {
        let response = context.call().final_of(exchange);
        let refused = response.filter(|response| {
            response.status_code >= 300 && !matches!(response.status_code, 401 | 407 | 481 | 487)
        });
        if let Some(response) = refused.filter(|_| exchange.method == Method::Bye) {
            found.add(
                format!(
                    "BYE of the {} is answered {}",
                    context.side(exchange),
                    response.status_code
                ),
                [exchange.first],
            );
            found.by(response.by.ip.to_string());
        }
    }
}
