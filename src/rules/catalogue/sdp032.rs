//! Encrypted media are described and no way to agree on keys.
//!
//! RTP/SAVP needs a=crypto, or a fingerprint for DTLS. The other side refuses, or both send
//! what neither can read.
//!
//! Fix: add a=crypto or a=fingerprint with a=setup, or offer RTP/AVP.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP032",
    name: "savp-no-keys",
    severity: Severity::Error,
    rfc: "RFC 4568",
    section: "5",
    symptom: Some("no-audio"),
    causes: &["SDP014"],
    source: include_str!("sdp032.rs"),
    flags: &["0 A>B INVITE sdp=4000 swap=RTP/AVP=>RTP/SAVP"],
    accepts: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>RTP/SAVP line=a=fingerprint:sha-256_AA line=a=setup:actpass",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions().filter(|(own, _)| own.is_entire()) {
        for media in description.media.iter().filter(|own| own.port() != Some(0)) {
            let secure = memchr::memmem::find(media.protocol(), b"SAVP").is_some();
            let keyed = ["crypto", "fingerprint", "key-mgmt", "zrtp-hash"]
                .iter()
                .any(|name| description.attribute(media, name).is_some());
            if secure && !keyed {
                found.quote(
                    message,
                    media.media,
                    format!("{} describes encrypted media without keys", message.told()),
                );
            }
        }
    }
}
