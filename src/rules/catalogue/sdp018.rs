//! A payload type with a fixed meaning is given another one, or a codec a clock that it
//! does not have.
//!
//! The other side may trust the number or the name: what it hears differs.
//!
//! Fix: use the numbers and clocks of RFC 3551; G722 has a clock of 8000 there.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sdp::RtpMap;

pub(super) const RULE: Rule = Rule {
    code: "SDP018",
    name: "rtpmap-wrong",
    severity: Severity::Warning,
    rfc: "RFC 3551",
    section: "6",
    source: include_str!("sdp018.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=rtpmap:0_PCMA/8000",
        "0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_9 line=a=rtpmap:9_G722/16000",
    ],
    accepts: &["0 A>B INVITE sdp=4000 line=a=rtpmap:0_pcmu/8000/1"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions() {
        for media in description.media.iter().filter(|own| own.is_rtp()) {
            for &format in media.formats() {
                let Some(map) = media.rtpmap(format) else {
                    continue;
                };
                let said = media.codec(format).unwrap_or_default();
                let number = octets::decimal(format).and_then(|own| u8::try_from(own).ok());
                let fixed = number.and_then(RtpMap::of_static);
                let is_other = fixed.is_some_and(|own| !is_said(&own, &said));
                if is_other || said == "G722/16000" {
                    found.quote(
                        message,
                        map,
                        format!(
                            "{} says that payload type {} is {said}",
                            message.told(),
                            octets::text(format)
                        ),
                    );
                    return;
                }
            }
        }
    }
}

/// Whether an encoding and a clock are those of a codec.
fn is_said(codec: &RtpMap, said: &str) -> bool {
    said.split_once('/').is_some_and(|(encoding, clock)| {
        encoding.eq_ignore_ascii_case(&codec.encoding) && clock.parse() == Ok(codec.clock_rate)
    })
}
