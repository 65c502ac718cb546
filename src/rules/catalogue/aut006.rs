//! Credentials are for another realm than the one that was asked for.
//!
//! The realm is part of what is hashed: they can't fit.
//!
//! Fix: let the phone take the realm of the challenge instead of one that is configured.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::auth_parameter;
use crate::sip::header::unquoted;

pub(super) const RULE: Rule = Rule {
    code: "AUT006",
    name: "realm-mismatch",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "22.3",
    causes: &["AUT011", "REG017"],
    source: include_str!("aut006.rs"),
    flags: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         2 A>B REGISTER cseq=2 branch=2 header=Authorization:_Digest_username=\"a\",realm=\"other\",nonce=\"y\",uri=\"sip:x\",response=\"0123456789abcdef0123456789abcdef\""],
    accepts: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         2 A>B REGISTER cseq=2 branch=2 header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",response=\"0123456789abcdef0123456789abcdef\""],
    needs: Needs::fields(&[HeaderName::Authorization, HeaderName::ProxyAuthorization]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for case in context.auth_rounds() {
        let realm = |value: &[u8]| {
            auth_parameter(value, "realm")
                .map(unquoted)
                .map(octets::text)
        };
        let asked: Vec<_> = case
            .challenges
            .iter()
            .filter_map(|own| realm(own))
            .collect();
        let sent: Vec<_> = case
            .credentials
            .iter()
            .filter_map(|own| realm(own))
            .collect();
        let (Some(first), Some(own)) = (asked.first(), sent.first()) else {
            continue;
        };
        if !asked.iter().any(|own| sent.contains(own)) {
            let part = case
                .credentials
                .first()
                .and_then(|own| auth_parameter(own, "realm"))
                .unwrap_or_default();
            found.quote(
                case.request,
                part,
                format!(
                    "{} answers a challenge of realm {first} with {own}",
                    case.request.told()
                ),
            );
        }
    }
}
