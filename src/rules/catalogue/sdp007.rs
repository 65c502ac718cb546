//! An answer has other media than its offer, in kind or protocol.
//!
//! Each media line of the answer belongs to the one at the same place in the offer: audio
//! to audio, RTP/SAVP to RTP/SAVP. What can't be taken is refused with port 0.
//!
//! Fix: refuse by port 0, and set the same policy for SRTP at both ends.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP007",
    name: "mline-type-mismatch",
    severity: Severity::Error,
    rfc: "RFC 3264",
    section: "6",
    symptom: Some("no-audio"),
    causes: &["MED015"],
    source: include_str!("sdp007.rs"),
    flags: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000 swap=RTP/AVP=>RTP/SAVP line=a=crypto:1_AES\\_CM\\_128\\_HMAC\\_SHA1\\_80_inline:x"],
    accepts: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for round in context.rounds() {
        for (offered, answered) in round.offered.media.iter().zip(&round.answered.media) {
            let refused = answered.port() == Some(0);
            let same_kind = offered.kind() == answered.kind();
            let same_protocol = offered.protocol().eq_ignore_ascii_case(answered.protocol());
            if !same_kind || (!same_protocol && !refused) {
                let text = format!(
                    "{} answers m={} with m={}",
                    round.answer.told(),
                    octets::text(offered.media),
                    octets::text(answered.media)
                );
                found.quote(round.answer, answered.media, text);
            }
        }
    }
}
