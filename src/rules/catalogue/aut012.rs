//! A request with credentials has the number of the one that was challenged.
//!
//! It is a new request and needs a new number; servers take it for the old one, or for one
//! that came by two ways (482).
//!
//! Fix: add one to CSeq when credentials are added.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "AUT012",
    name: "retry-cseq-not-incremented",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "8.1.3.5",
    source: include_str!("aut012.rs"),
    flags: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         2 A>B REGISTER branch=2 header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",response=\"0123456789abcdef0123456789abcdef\""],
    accepts: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         2 A>B REGISTER cseq=2 branch=2 header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",response=\"0123456789abcdef0123456789abcdef\""],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, response, request) in context.answered() {
        if !matches!(status, 401 | 407) {
            continue;
        }
        let again = context.requests(&request.method).find(|own| {
            own.when() > response.when()
                && own.flow() == request.flow()
                && own.cseq == request.cseq
                && own.from_tag == request.from_tag
                && own.kept.transaction != request.kept.transaction
        });
        if let Some(again) = again {
            let cseq = again.value(HeaderName::CSeq).unwrap_or_default();
            found.quote(
                again,
                cseq,
                format!("{} is a new request with the old number", again.told()),
            );
            return;
        }
    }
}
