//! A server calls each answer stale.
//!
//! A nonce that is stale before its first use lives too short, or the servers of a cluster
//! do not know each other's.
//!
//! Fix: lengthen the life of nonces, share them between the servers, compare their clocks.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::auth_parameter;
use crate::sip::header::unquoted;

pub(super) const RULE: Rule = Rule {
    code: "AUT010",
    name: "stale-loop",
    severity: Severity::Warning,
    rfc: "RFC 7616",
    section: "3.3",
    symptom: Some("auth-loop"),
    source: include_str!("aut010.rs"),
    flags: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"a\",stale=true
         2 A>B REGISTER cseq=2 branch=2
         3 B>A 401 method=REGISTER cseq=2 branch=2 to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"b\",stale=true
         4 A>B REGISTER cseq=3 branch=3
         5 B>A 401 method=REGISTER cseq=3 branch=3 to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"c\",stale=true"],
    accepts: &["0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"a\",stale=true
         2 A>B REGISTER cseq=2 branch=2
         3 B>A 200 method=REGISTER cseq=2 branch=2 to=t
         4 A>B REGISTER cseq=3 branch=3
         5 B>A 401 method=REGISTER cseq=3 branch=3 to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"c\",stale=true"],
    needs: Needs::fields(&[
        HeaderName::WwwAuthenticate,
        HeaderName::ProxyAuthenticate,
    ]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let mut row = 0;
    for (status, message) in context.responses().filter(|(_, own)| own.is_original) {
        let stale = message
            .fields(HeaderName::WwwAuthenticate)
            .into_iter()
            .chain(message.fields(HeaderName::ProxyAuthenticate))
            .any(|own| {
                auth_parameter(own, "stale")
                    .map(unquoted)
                    .is_some_and(|own| own.eq_ignore_ascii_case(b"true"))
            });
        row = if matches!(status, 401 | 407) && stale {
            row + 1
        } else if status >= 200 {
            0
        } else {
            row
        };
        if row >= 3 {
            found.message(
                message,
                format!("{} calls {row} answers in a row stale", message.flow().src),
            );
            return;
        }
    }
}
