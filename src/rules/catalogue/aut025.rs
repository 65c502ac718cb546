//! A client hashes its user name though the server did not say that it can look it up so.
//!
//! The server does not find the account.
//!
//! Fix: hash the user name only where the challenge has userhash=true.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::auth_parameter;
use crate::sip::header::unquoted;

pub(super) const RULE: Rule = Rule {
    code: "AUT025",
    name: "userhash-unasked",
    severity: Severity::Warning,
    rfc: "RFC 7616",
    section: "3.4.4",
    source: include_str!("aut025.rs"),
    flags: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         2 A>B REGISTER cseq=2 branch=2 header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",userhash=true,response=\"0123456789abcdef0123456789abcdef\""],
    accepts: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\",userhash=true
         2 A>B REGISTER cseq=2 branch=2 header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",userhash=true,response=\"0123456789abcdef0123456789abcdef\""],
    needs: Needs::fields(&[HeaderName::Authorization, HeaderName::ProxyAuthorization]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for case in context.auth_rounds() {
        let says = |value: &&[u8]| {
            auth_parameter(value, "userhash")
                .map(unquoted)
                .is_some_and(|own| own.eq_ignore_ascii_case(b"true"))
        };
        if case.credentials.iter().any(says) && !case.challenges.iter().any(says) {
            found.message(
                case.request,
                format!("{} hashes its user name", case.request.told()),
            );
            return;
        }
    }
}
