//! A server asks for MD5 alone.
//!
//! Its answers can be guessed offline by whoever captures them; SHA-256 has been defined
//! since.
//!
//! Fix: offer SHA-256 above MD5.

use crate::rules::{CallContext, Check, Findings, Message, Needs, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::auth_parameter;
use crate::sip::header::unquoted;

pub(super) const RULE: Rule = Rule {
    code: "AUT003",
    name: "weak-algorithm",
    severity: Severity::Info,
    rfc: "RFC 8760",
    section: "2.1",
    source: include_str!("aut003.rs"),
    flags: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\",qop=\"auth\""],
    accepts: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\",algorithm=SHA-256,qop=\"auth\""],
    needs: Needs::fields(&[
        HeaderName::WwwAuthenticate,
        HeaderName::ProxyAuthenticate,
    ]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let challenges = |(_, own): &(u16, &Message<'_>)| {
        let sip = &own.sip;
        own.is_original
            && (sip.has(HeaderName::WwwAuthenticate) || sip.has(HeaderName::ProxyAuthenticate))
    };
    for (_, message) in context.responses().filter(challenges) {
        let mut challenges = message.fields(HeaderName::WwwAuthenticate);
        challenges.extend(message.fields(HeaderName::ProxyAuthenticate));
        let weak = |value: &&[u8]| {
            let algorithm = auth_parameter(value, "algorithm")
                .map(unquoted)
                .unwrap_or(b"MD5");
            algorithm.eq_ignore_ascii_case(b"MD5")
        };
        if let (Some(first), true) = (challenges.first(), challenges.iter().all(weak)) {
            found.quote(
                message,
                first,
                format!("{} asks for MD5 alone", message.told()),
            );
            return;
        }
    }
}
