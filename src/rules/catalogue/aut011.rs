//! Credentials were refused, and nothing that followed was accepted.
//!
//! A second challenge for the same realm, without stale=true, says that the answer to
//! the first was wrong: the password, the user name, or what an ALG made of the
//! request. The same credentials must not be tried again.
//!
//! Fix: compare user name, password and realm at both ends; look for an ALG that
//! rewrites the URI that was hashed.

use crate::octets;
use crate::rules::Message;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::{HeaderName, auth_params};

pub(super) const RULE: Rule = Rule {
    code: "AUT011",
    name: "credentials-refused",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "22.1",
    symptom: Some("auth-loop"),
    causes: &["REG017"],
    source: include_str!("aut011.rs"),
    flags: &[
        "0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         2 A>B REGISTER cseq=2 branch=2 header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\"
         3 B>A 401 method=REGISTER cseq=2 branch=2 to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"z\"",
    ],
    accepts: &[
        "0 A>B REGISTER
         1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         2 A>B REGISTER cseq=2 branch=2 header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\"
         3 B>A 200 method=REGISTER cseq=2 branch=2 to=t",
        "2 A>B REGISTER cseq=2 branch=2 header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\"
         3 B>A 401 method=REGISTER cseq=2 branch=2 to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"z\",stale=true",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    // What is not kept may have been accepted.
    if !context.is_whole() {
        return;
    }
    let mut refused = Vec::new();
    for (status, message) in context.responses() {
        if matches!(status, 401 | 407) && was_refused(context, message) {
            refused.push(message);
        } else if (200..300).contains(&status) {
            refused.retain(|known: &&Message<'_>| known.method != message.method);
        }
    }
    let Some(first) = refused.first() else { return };
    let user = request_of(context, first)
        .and_then(|request| credentials(request, first.status?))
        .and_then(|credentials| auth_params(credentials).username.map(octets::text))
        .unwrap_or_default();
    found.add(
        format!(
            "credentials of {user} for {} were refused {} times by {}",
            first.method.as_str(),
            refused.len(),
            first.flow().src
        ),
        refused.iter().map(|message| message.at()),
    );
    found.by(first.flow().dst.ip.to_string());
}

fn request_of<'c, 'a>(
    context: &'c CallContext<'a>,
    response: &Message<'_>,
) -> Option<&'c Message<'a>> {
    context.messages.iter().find(|message| {
        message.status.is_none()
            && message.kept.transaction == response.kept.transaction
            && message.method == response.method
    })
}

fn credentials<'m>(request: &'m Message<'_>, status: u16) -> Option<&'m [u8]> {
    request.sip.value(match status {
        401 => HeaderName::Authorization,
        _ => HeaderName::ProxyAuthorization,
    })
}

/// Whether a challenge comes to a request that had answered one of its realm.
fn was_refused(context: &CallContext<'_>, response: &Message<'_>) -> bool {
    let challenge = response.sip.value(match response.status {
        Some(401) => HeaderName::WwwAuthenticate,
        _ => HeaderName::ProxyAuthenticate,
    });
    let Some(challenge) = challenge.map(auth_params) else {
        return false;
    };
    let sent = request_of(context, response)
        .and_then(|request| credentials(request, response.status?))
        .map(auth_params);
    sent.is_some_and(|sent| !challenge.stale && sent.realm == challenge.realm)
}
