//! Credentials were used a second time with the same count.
//!
//! The count nc goes up with each use of a nonce; a server that guards against replay
//! refuses what it has seen.
//!
//! Fix: count nc up, or ask for a new nonce.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::sip::header::auth_parameter;
use crate::sip::header::unquoted;
use std::collections::HashMap;

pub(super) const RULE: Rule = Rule {
    code: "AUT009",
    name: "nc-replay",
    severity: Severity::Warning,
    rfc: "RFC 7616",
    section: "3.4",
    source: include_str!("aut009.rs"),
    flags: &["0 A>B REGISTER cseq=2 branch=2 header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",qop=auth,nc=00000001,cnonce=\"z\",response=\"0123456789abcdef0123456789abcdef\"
         900 A>B REGISTER cseq=3 branch=3 header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",qop=auth,nc=00000001,cnonce=\"z\",response=\"0123456789abcdef0123456789abcdef\""],
    accepts: &["0 A>B REGISTER cseq=2 branch=2 header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",qop=auth,nc=00000001,cnonce=\"z\",response=\"0123456789abcdef0123456789abcdef\"
         900 A>B REGISTER cseq=3 branch=3 header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",qop=auth,nc=00000002,cnonce=\"z\",response=\"0123456789abcdef0123456789abcdef\""],
    needs: Needs::fields(&[HeaderName::Authorization, HeaderName::ProxyAuthorization]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    // By nonce and user: the last count, and the request that had it.
    let mut used = HashMap::new();
    let requests = context
        .originals()
        .filter(|own| own.is_request() && !matches!(own.method, Method::Ack | Method::Cancel));
    for message in requests {
        for value in message
            .fields(HeaderName::Authorization)
            .into_iter()
            .chain(message.fields(HeaderName::ProxyAuthorization))
        {
            let (Some(nonce), Some(nc)) =
                (auth_parameter(value, "nonce"), auth_parameter(value, "nc"))
            else {
                continue;
            };
            let Ok(count) = u64::from_str_radix(&octets::text(unquoted(nc)), 16) else {
                continue;
            };
            let user = auth_parameter(value, "username").unwrap_or_default();
            let before = used.insert((nonce.to_vec(), user.to_vec()), (count, message.cseq));
            if before.is_some_and(|(last, cseq)| count <= last && cseq != message.cseq) {
                found.quote(
                    message,
                    nc,
                    format!("{} uses its nonce again with count {count}", message.told()),
                );
                return;
            }
        }
    }
}
