//! The CSeq of a request names another method than the request.
//!
//! Both must be the same; the answer is 400.
//!
//! Fix: the stack that made it is broken.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SYN007",
    name: "cseq-method-mismatch",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.1.1.5",
    source: include_str!("syn007.rs"),
    flags: &["0 A>B INVITE method=OPTIONS"],
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
    for message in context.messages.iter().filter(|own| own.status.is_none()) {
        if let Ok(cseq) = message.sip.cseq()
            && cseq.method != message.method
        {
            found.message(
                message,
                format!(
                    "{} has CSeq {}",
                    message.method.as_str(),
                    cseq.method.as_str()
                ),
            );
        }
    }
}
