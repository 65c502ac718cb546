//! Credentials stand in the header field that answers the other kind of challenge.
//!
//! 401 is answered with Authorization, 407 with Proxy-Authorization. The server does not
//! look in the other one.
//!
//! Fix: pair 401 with Authorization and 407 with Proxy-Authorization.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "AUT015",
    name: "wrong-header-pair",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "22.3",
    causes: &["AUT011", "AUT014", "REG017"],
    source: include_str!("aut015.rs"),
    flags: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         2 A>B REGISTER cseq=2 branch=2 header=Proxy-Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",response=\"0123456789abcdef0123456789abcdef\""],
    accepts: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         2 A>B REGISTER cseq=2 branch=2 header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",response=\"0123456789abcdef0123456789abcdef\""],
    needs: Needs::fields(&[HeaderName::Authorization, HeaderName::ProxyAuthorization]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, response, request) in context.answered() {
        let (right, wrong) = match status {
            401 => ("Authorization", "Proxy-Authorization"),
            407 => ("Proxy-Authorization", "Authorization"),
            _ => continue,
        };
        let next = context.requests(&request.method).find(|own| {
            own.when() > response.when()
                && own.flow() == request.flow()
                && own.from_tag == request.from_tag
                && own.cseq > request.cseq
        });
        let Some(next) = next else { continue };
        let swapped = next
            .field_named(wrong)
            .filter(|_| next.field_named(right).is_none() && request.field_named(wrong).is_none());
        if let Some(value) = swapped {
            let scheme = octets::span(value, 0, 6);
            found.quote(
                next,
                scheme,
                format!("{} answers {status} with {wrong}", next.told()),
            );
            return;
        }
    }
}
