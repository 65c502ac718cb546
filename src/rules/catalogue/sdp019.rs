//! Opus is not described as it must be.
//!
//! It is always opus/48000/2, whatever rate and channels are used; strict programs do not
//! take anything else for Opus.
//!
//! Fix: write a=rtpmap:PT opus/48000/2.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP019",
    name: "opus-rtpmap",
    severity: Severity::Error,
    rfc: "RFC 7587",
    section: "7",
    source: include_str!("sdp019.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_96 line=a=rtpmap:96_opus/48000",
        "0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_96 line=a=rtpmap:96_opus/16000/1",
    ],
    accepts: &["0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_96 line=a=rtpmap:96_OPUS/48000/2"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions() {
        for media in &description.media {
            for &format in media.formats() {
                let Some(map) = media.rtpmap(format) else {
                    continue;
                };
                if !map
                    .get(..5)
                    .is_some_and(|own| own.eq_ignore_ascii_case(b"opus/"))
                {
                    continue;
                }
                let text = octets::text(map).to_ascii_lowercase();
                if text.trim() != "opus/48000/2" {
                    found.quote(
                        message,
                        map,
                        format!("{} describes Opus as {text}", message.told()),
                    );
                    return;
                }
            }
        }
    }
}
