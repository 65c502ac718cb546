//! Credentials were made for another URI than the request's.
//!
//! The URI is part of what is hashed. A server that compares refuses them; a proxy or an
//! ALG that rewrote the Request-URI does this.
//!
//! Fix: compute the response over the Request-URI as it is sent.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::Uri;
use crate::sip::header::HeaderName;
use crate::sip::header::auth_parameter;
use crate::sip::header::unquoted;

pub(super) const RULE: Rule = Rule {
    code: "AUT008",
    name: "digest-uri-mismatch",
    severity: Severity::Warning,
    rfc: "RFC 7616",
    section: "3.4.6",
    source: include_str!("aut008.rs"),
    flags: &[
        "0 A>B REGISTER uri=sip:x header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:other\",response=\"0123456789abcdef0123456789abcdef\"",
    ],
    accepts: &[
        "0 A>B REGISTER uri=sip:x;transport=udp header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",response=\"0123456789abcdef0123456789abcdef\"",
    ],
    needs: Needs::fields(&[HeaderName::Authorization, HeaderName::ProxyAuthorization]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .originals()
        .filter(|own| own.is_request() && own.sip.via_count() == 1 && own.method != Method::Ack)
    {
        for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
            for value in message.fields(name) {
                let Some(uri) = auth_parameter(value, "uri").map(unquoted) else {
                    continue;
                };
                let (hashed, sent) = (Uri::parse(uri), Uri::parse(message.request_uri()));
                let same = hashed.host.eq_ignore_ascii_case(sent.host)
                    && hashed.user_name() == sent.user_name();
                if !same && !uri.is_empty() {
                    found.quote(
                        message,
                        uri,
                        format!(
                            "{} asks {}, its credentials are for {}",
                            message.told(),
                            octets::text(message.request_uri()),
                            octets::text(uri)
                        ),
                    );
                    return;
                }
            }
        }
    }
}
