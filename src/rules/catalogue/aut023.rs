//! The ACK to an answer has other credentials than its INVITE.
//!
//! It repeats those of the INVITE, as they are: nobody can challenge an ACK. A proxy that
//! compares drops it.
//!
//! Fix: copy the credentials of the INVITE.

use crate::rules::{CallContext, Check, Findings, Message, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::sip::header::auth_parameter;

pub(super) const RULE: Rule = Rule {
    code: "AUT023",
    name: "ack-credentials-differ",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "22.1",
    is_tolerated: true,
    source: include_str!("aut023.rs"),
    flags: &[
        "0 A>B INVITE header=Proxy-Authorization:_Digest_nonce=\"y\",response=\"1\"
         5 B>A 200 to=t
         6 A>B ACK to=t branch=2 header=Proxy-Authorization:_Digest_nonce=\"y\",response=\"2\"",
    ],
    accepts: &[
        "0 A>B INVITE header=Proxy-Authorization:_Digest_nonce=\"y\",response=\"1\"
         5 B>A 200 to=t
         6 A>B ACK to=t branch=2 header=Proxy-Authorization:_Digest_nonce=\"y\",response=\"1\"",
    ],
    needs: Needs::fields(&[HeaderName::Authorization, HeaderName::ProxyAuthorization]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for ack in context.requests(&Method::Ack).filter(|own| own.is_original) {
        let invite = context.requests(&Method::Invite).find(|own| {
            own.cseq == ack.cseq && own.from_tag == ack.from_tag && own.flow().src == ack.flow().src
        });
        let Some(invite) = invite else { continue };
        for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
            let response = |own: &Message<'_>| {
                own.value(name)
                    .and_then(|own| auth_parameter(own, "response").map(<[u8]>::to_vec))
            };
            if let (Some(first), Some(second)) = (response(invite), response(ack))
                && first != second
            {
                found.message(
                    ack,
                    format!("{} has other credentials than its INVITE", ack.told()),
                );
                return;
            }
        }
    }
}
