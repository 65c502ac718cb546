//! Encryption is offered where plain media would do as well.
//!
//! RTP/AVP with keys leaves the choice to the other side; older devices ignore the keys.
//!
//! Fix: nothing, unless encryption is a must: then offer RTP/SAVP.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP035",
    name: "avp-with-crypto",
    severity: Severity::Info,
    rfc: "RFC 8643",
    section: "3",
    source: include_str!("sdp035.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=crypto:1_AES\\_CM\\_128\\_HMAC\\_SHA1\\_80_inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
    accepts: &["0 A>B INVITE sdp=4000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions() {
        let open = description.media.iter().find(|own| {
            own.protocol().starts_with(b"RTP/AVP")
                && ["crypto", "fingerprint"]
                    .iter()
                    .any(|name| description.attribute(own, name).is_some())
        });
        if let Some(media) = open {
            found.quote(
                message,
                media.media,
                format!("{} offers keys for plain RTP", message.told()),
            );
            return;
        }
    }
}
