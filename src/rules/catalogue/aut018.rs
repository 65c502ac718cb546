//! A digest response is not what the password that was given makes.
//!
//! With the password known the response can be computed. Where it fits but for one part, the
//! message says which; else the password at the device is another one, or something on the
//! way changed what was hashed.
//!
//! Fix: correct the password or the account at the device; where the message names a part,
//! the program computes it wrongly.

use crate::rules::credentials::Verdict;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "AUT018",
    name: "response-wrong",
    severity: Severity::Error,
    rfc: "RFC 7616",
    section: "3.4.1",
    symptom: Some("auth-loop"),
    causes: &["AUT011", "REG017"],
    source: include_str!("aut018.rs"),
    flags: &[
        "0 A>B REGISTER header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",response=\"0123456789abcdef0123456789abcdef\"",
    ],
    accepts: &[
        "0 A>B REGISTER header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",response=\"1f45ac741de375f80166ad520d05a604\"",
        "0 A>B REGISTER header=Authorization:_Digest_username=\"other\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",response=\"0123456789abcdef0123456789abcdef\"",
    ],
    needs: Needs::fields(&[HeaderName::Authorization, HeaderName::ProxyAuthorization]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let requests = context.originals().filter(|own| own.is_request());
    for message in requests.filter(|own| !matches!(own.method, Method::Ack | Method::Cancel)) {
        for value in message
            .fields(HeaderName::Authorization)
            .into_iter()
            .chain(message.fields(HeaderName::ProxyAuthorization))
        {
            let Some(own) = context.credentials.iter().find(|own| own.is_for(value)) else {
                continue;
            };
            let why = match own.verdict(value, message.method.as_str()) {
                Some(Verdict::Wrong) => {
                    "its password is another one, or what was hashed was changed".to_owned()
                }
                Some(Verdict::Almost(why)) => why.to_owned(),
                Some(Verdict::Right) | None => continue,
            };
            found.message(
                message,
                format!("the response of {} is not right: {why}", message.told()),
            );
            return;
        }
    }
}
