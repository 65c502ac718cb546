//! The two sides packed the same codec differently.
//!
//! AMR has two packings (octet-align), iLBC two lengths of frame (mode): both sides must use
//! the same, or each hears noise.
//!
//! Fix: set octet-align or mode alike at both ends.

use crate::rules::description::Section;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::parameter;

pub(super) const RULE: Rule = Rule {
    code: "SDP021",
    name: "codec-mode-mismatch",
    severity: Severity::Error,
    rfc: "RFC 4867",
    section: "8.3",
    symptom: Some("garbled-audio"),
    source: include_str!("sdp021.rs"),
    flags: &["0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_96 line=a=rtpmap:96_AMR/8000 line=a=fmtp:96_octet-align=1
         5 B>A 200 to=t sdp=5000 swap=RTP/AVP_0=>RTP/AVP_96 line=a=rtpmap:96_AMR/8000"],
    accepts: &["0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_96 line=a=rtpmap:96_AMR/8000 line=a=fmtp:96_octet-align=1
         5 B>A 200 to=t sdp=5000 swap=RTP/AVP_0=>RTP/AVP_96 line=a=rtpmap:96_AMR/8000 line=a=fmtp:96_octet-align=1;mode-set=7"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for round in context.rounds() {
        for (offered, answered) in round.offered.media.iter().zip(&round.answered.media) {
            for &format in answered.formats() {
                let codec = answered.codec(format).unwrap_or_default();
                if !codec.starts_with("AMR") || answered.port() == Some(0) {
                    continue;
                }
                let aligned = |own: &Section<'_>, format: &[u8]| {
                    let value = own
                        .fmtp(format)
                        .and_then(|own| parameter(own, "octet-align"));
                    value.is_some_and(|own| own == b"1")
                };
                let mut same = offered
                    .formats()
                    .iter()
                    .filter(|own| offered.codec(own).as_ref() == Some(&codec))
                    .peekable();
                let ours = aligned(answered, format);
                if same.peek().is_some() && same.all(|own| aligned(offered, own) != ours) {
                    found.quote(
                        round.answer,
                        answered.media,
                        format!("{codec} is packed differently in offer and answer (octet-align)"),
                    );
                    return;
                }
            }
        }
    }
}
