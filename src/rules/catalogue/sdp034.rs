//! Keys of encrypted media are sent in the clear.
//!
//! Who can read the signalling can read the media: here anybody on the way.
//!
//! Fix: carry SIP over TLS, or use DTLS-SRTP.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP034",
    name: "crypto-over-cleartext",
    severity: Severity::Warning,
    rfc: "RFC 4568",
    section: "8.3",
    source: include_str!("sdp034.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>RTP/SAVP line=a=crypto:1_AES\\_CM\\_128\\_HMAC\\_SHA1\\_80_inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
    accepts: &["0 A>B INVITE sdp=4000 swap=RTP/AVP=>RTP/SAVP line=a=fingerprint:sha-256_AA"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions() {
        if description
            .media
            .iter()
            .any(|own| own.attribute("crypto").is_some())
        {
            found.message(
                message,
                format!(
                    "{} carries media keys over plain {}",
                    message.told(),
                    message.flow().transport.name()
                ),
            );
            return;
        }
    }
}
