//! Keys for encrypted media can't be used.
//!
//! The key is of the wrong length for its suite, the answer takes a tag that was not
//! offered, or it takes more than one.
//!
//! Fix: see what wrote the key; for AES_CM_128 key and salt are 30 octets.

use crate::octets;
use crate::rules::description::words;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP033",
    name: "crypto-invalid",
    severity: Severity::Error,
    rfc: "RFC 4568",
    section: "6",
    symptom: Some("no-audio"),
    source: include_str!("sdp033.rs"),
    flags: &["0 A>B INVITE sdp=4000 swap=RTP/AVP=>RTP/SAVP line=a=crypto:1_AES\\_CM\\_128\\_HMAC\\_SHA1\\_80_inline:AAAA", "0 A>B INVITE sdp=4000 swap=RTP/AVP=>RTP/SAVP line=a=crypto:1_AES\\_CM\\_128\\_HMAC\\_SHA1\\_80_inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
         5 B>A 200 to=t sdp=5000 swap=RTP/AVP=>RTP/SAVP line=a=crypto:2_AES\\_CM\\_128\\_HMAC\\_SHA1\\_80_inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
    accepts: &["0 A>B INVITE sdp=4000 swap=RTP/AVP=>RTP/SAVP line=a=crypto:1_AES\\_CM\\_128\\_HMAC\\_SHA1\\_80_inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA|2^31
         5 B>A 200 to=t sdp=5000 swap=RTP/AVP=>RTP/SAVP line=a=crypto:1_AES\\_CM\\_128\\_HMAC\\_SHA1\\_80_inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions().filter(|(own, _)| own.is_entire()) {
        for media in &description.media {
            let wrong = media.attributes("crypto").find(|value| !fits(value));
            if let Some(value) = wrong {
                // The key itself is a secret.
                let part = words(value).get(1).copied().unwrap_or_default();
                found.message(
                    message,
                    format!(
                        "a key of {} is not as long as {} needs",
                        message.told(),
                        octets::text(part)
                    ),
                );
            }
        }
    }
    for round in context.rounds() {
        for (offered, answered) in round.offered.media.iter().zip(&round.answered.media) {
            let tag = |value: &[u8]| words(value).first().map(|own| octets::text(own));
            let tags: Vec<_> = offered.attributes("crypto").map(tag).collect();
            let taken: Vec<_> = answered.attributes("crypto").map(tag).collect();
            if answered.port() != Some(0)
                && !tags.is_empty()
                && (taken.len() > 1 || taken.iter().any(|own| !tags.contains(own)))
            {
                found.message(
                    round.answer,
                    format!(
                        "{} takes keys that were not offered, or more than one",
                        round.answer.told()
                    ),
                );
            }
        }
    }
}

fn fits(value: &[u8]) -> bool {
    let parts = words(value);
    let suite = parts
        .get(1)
        .map(|own| octets::text(own))
        .unwrap_or_default();
    let expected = match suite.as_str() {
        "AES_CM_128_HMAC_SHA1_80" | "AES_CM_128_HMAC_SHA1_32" | "F8_128_HMAC_SHA1_80" => 30,
        "AES_192_CM_HMAC_SHA1_80" | "AES_192_CM_HMAC_SHA1_32" => 38,
        "AES_256_CM_HMAC_SHA1_80" | "AES_256_CM_HMAC_SHA1_32" => 46,
        "AEAD_AES_128_GCM" => 28,
        "AEAD_AES_256_GCM" => 44,
        _ => return true,
    };
    let key = parts
        .get(2)
        .and_then(|own| own.strip_prefix(b"inline:"))
        .unwrap_or_default();
    let end = key
        .iter()
        .position(|octet| matches!(octet, b'|' | b';'))
        .unwrap_or(key.len());
    let digits = octets::span(key, 0, end);
    // Whether the padding is written varies.
    let plain: Vec<u8> = digits
        .iter()
        .copied()
        .filter(|octet| *octet != b'=')
        .collect();
    data_encoding::BASE64_NOPAD
        .decode(&plain)
        .is_ok_and(|own| own.len() == expected)
}
