//! A digest response is what the password that was given makes.
//!
//! If it is refused all the same, the server has another password, realm or hash.
//!
//! Fix: nothing at the device; where it is refused, compare the account at the server.

use crate::rules::credentials::Verdict;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "AUT017",
    name: "response-verified",
    severity: Severity::Info,
    rfc: "RFC 7616",
    section: "3.4.1",
    source: include_str!("aut017.rs"),
    flags: &[
        "0 A>B REGISTER header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",response=\"1f45ac741de375f80166ad520d05a604\"",
    ],
    accepts: &[
        "0 A>B REGISTER header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",response=\"0123456789abcdef0123456789abcdef\"",
    ],
    needs: Needs::fields(&[HeaderName::Authorization, HeaderName::ProxyAuthorization]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals().filter(|own| own.is_request()) {
        for value in message
            .fields(HeaderName::Authorization)
            .into_iter()
            .chain(message.fields(HeaderName::ProxyAuthorization))
        {
            let own = context.credentials.iter().find(|own| own.is_for(value));
            if own.is_some_and(|own| {
                own.verdict(value, message.method.as_str()) == Some(Verdict::Right)
            }) {
                found.message(
                    message,
                    format!("the response of {} is right", message.told()),
                );
                return;
            }
        }
    }
}
