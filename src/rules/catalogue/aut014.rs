//! A challenge was not answered.
//!
//! Whoever is asked for credentials sends the request again with them. One that does
//! not has none, or never saw the challenge.
//!
//! Fix: give the phone a user name and a password for this realm; if it has them, see
//! whether the challenge reaches it.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "AUT014",
    name: "no-retry-after-challenge",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "22.2",
    symptom: Some("rejected"),
    source: include_str!("aut014.rs"),
    flags: &["0 A>B INVITE
         1 B>A 401 to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         2 A>B ACK to=t
         90000 C>D OPTIONS call=later tag=o branch=o"],
    accepts: &[
        "0 A>B INVITE
         1 B>A 401 to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         2 A>B ACK to=t
         3 A>B INVITE cseq=2 branch=2
         4 B>A 486 cseq=2 branch=2 to=u
         5 A>B ACK cseq=2 branch=2 to=u
         90000 C>D OPTIONS call=later tag=o branch=o",
        "0 A>B INVITE
         1 B>A 401 to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         2 A>B ACK to=t",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() {
        return;
    }
    for (status, message) in context.responses() {
        // Where requests are not captured an answer can't be missed.
        let asked = context.request_of(message).is_some();
        if !matches!(status, 401 | 407) || message.method == Method::Ack || !asked {
            continue;
        }
        let after = |other: &&crate::rules::Message<'_>| {
            other.status.is_none()
                && other.method == message.method
                && other.at().timestamp >= message.at().timestamp
                && other.sip.cseq().ok().map(|cseq| cseq.number)
                    > message.sip.cseq().ok().map(|cseq| cseq.number)
        };
        let retried = context.messages.iter().any(|other| after(&other));
        if !retried && context.timed_out(message.at().timestamp) && message.sip.via_count() <= 1 {
            found.add(
                format!(
                    "{} asks for credentials and nothing follows",
                    message.called()
                ),
                [message.at()],
            );
            found.by(message.flow().dst.ip.to_string());
            return;
        }
    }
}
