//! The attributes of ICE are incomplete or too short.
//!
//! A user fragment has at least 4 letters, a password 22, and candidates need both: checks
//! without them are refused.
//!
//! Fix: see what cut them: a limit on lines, an ALG.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP039",
    name: "ice-attributes",
    severity: Severity::Error,
    rfc: "RFC 8839",
    section: "5.4",
    source: include_str!("sdp039.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:abc line=a=ice-pwd:0123456789012345678901",
        "0 A>B INVITE sdp=4000 line=a=candidate:1_1_UDP_1_10.0.0.1_4000_typ_host",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:abcd line=a=ice-pwd:0123456789012345678901 line=a=candidate:1_1_UDP_1_10.0.0.1_4000_typ_host",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions().filter(|(own, _)| own.is_entire()) {
        for media in description.media.iter().filter(|own| own.port() != Some(0)) {
            let (name, word) = (
                description.attribute(media, "ice-ufrag"),
                description.attribute(media, "ice-pwd"),
            );
            let fault = if name.is_some_and(|own| own.trim_ascii().len() < 4) {
                "has a user fragment of less than 4 letters"
            } else if word.is_some_and(|own| own.trim_ascii().len() < 22) {
                "has a password of less than 22 letters"
            } else if media.attribute("candidate").is_some() && (name.is_none() || word.is_none()) {
                "has candidates without user fragment and password"
            } else {
                continue;
            };
            found.quote(message, media.media, format!("{} {fault}", message.told()));
            return;
        }
    }
}
