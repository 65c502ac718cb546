//! A request was refused for want of credentials, without saying which.
//!
//! 401 carries WWW-Authenticate and 407 Proxy-Authenticate; without the challenge no
//! client can answer it.
//!
//! Fix: add the challenge to the response, or refuse with 403 if none would help.

use crate::rules::message::has;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "AUT001",
    name: "challenge-missing",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "22.1",
    symptom: Some("rejected"),
    source: include_str!("aut001.rs"),
    flags: &["0 A>B INVITE
         10 B>A 401 to=t
         11 A>B ACK to=t"],
    accepts: &["0 A>B INVITE
         10 B>A 401 to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\"
         11 A>B ACK to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses() {
        let missing = match status {
            401 => !has(&message.sip, HeaderName::WwwAuthenticate),
            407 => !has(&message.sip, HeaderName::ProxyAuthenticate),
            _ => false,
        };
        if missing && message.is_entire() {
            found.message(
                message,
                format!("{status} from {} has no challenge", message.flow().src),
            );
        }
    }
}
