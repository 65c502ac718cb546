//! A change of the session was refused.
//!
//! The session goes on as it was. Hold, fax, another codec or a refresh did not
//! happen, which one side may not expect.
//!
//! Fix: compare the offer with what the other side supports; 488 says that nothing of
//! it is acceptable.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "DLG022",
    name: "reinvite-rejected",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "14.2",
    source: include_str!("dlg022.rs"),
    flags: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         900 A>B INVITE to=t cseq=2 branch=5 sdp=4000/sendonly
         901 B>A 488 to=t cseq=2 branch=5
         902 A>B ACK to=t cseq=2 branch=5"],
    accepts: &["0 A>B INVITE
         10 B>A 488 to=t
         11 A>B ACK to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for exchange in &context.call().exchanges {
        let response = context.call().final_of(exchange);
        let refused = response.filter(|response| {
            response.status_code >= 400
                && !matches!(
                    response.status_code,
                    401 | 407 | 408 | 422 | 481 | 487 | 491
                )
        });
        if let Some(response) =
            refused.filter(|_| exchange.method == Method::Invite && !exchange.is_outside)
        {
            found.add(
                format!(
                    "{} of the {} is refused: {} {}",
                    exchange.purpose.name(),
                    context.side(exchange),
                    response.status_code,
                    response.reason_phrase
                ),
                [exchange.first],
            );
            found.by(response.by.ip.to_string());
        }
    }
}
