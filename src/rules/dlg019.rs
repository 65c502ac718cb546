//! Both sides wanted to change the session at the same time.
//!
//! 491 asks the one who gets it to try again: the owner of the Call-ID after 2.1 to 4
//! seconds, the other within 2.
//!
//! Fix: nothing, as long as the second attempt goes through.

use super::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "DLG019",
    name: "glare",
    severity: Severity::Info,
    rfc: "RFC 3261",
    section: "14.1",
    source: include_str!("dlg019.rs"),
    flags: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         900 A>B INVITE to=t cseq=2 branch=5 sdp=4000
         901 B>A 491 to=t cseq=2 branch=5
         902 A>B ACK to=t cseq=2 branch=5"],
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
        if response.is_some_and(|response| response.status_code == 491) {
            found.add(
                format!(
                    "{} of the {} meets one of the other side: 491",
                    exchange.method.as_str(),
                    context.side(exchange)
                ),
                [exchange.first],
            );
        }
    }
}
