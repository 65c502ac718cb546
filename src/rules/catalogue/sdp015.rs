//! A payload type without a fixed meaning is not explained.
//!
//! Numbers from 96 to 127 mean what rtpmap says, and here nothing says it.
//!
//! Fix: add a=rtpmap for each of them.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP015",
    name: "dynamic-pt-no-rtpmap",
    severity: Severity::Error,
    rfc: "RFC 8866",
    section: "6.6",
    source: include_str!("sdp015.rs"),
    flags: &["0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_0_96"],
    accepts: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_0_96 line=a=rtpmap:96_opus/48000/2",
        "0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_0_95",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions().filter(|(own, _)| own.is_entire()) {
        for media in description
            .media
            .iter()
            .filter(|own| own.is_rtp() && own.port() != Some(0))
        {
            let bare = media.formats().iter().find(|format| {
                octets::decimal(format).is_some_and(|number| (96..128).contains(&number))
                    && media.rtpmap(format).is_none()
            });
            if let Some(format) = bare {
                found.quote(
                    message,
                    format,
                    format!(
                        "{} does not say what payload type {} is",
                        message.told(),
                        octets::text(format)
                    ),
                );
            }
        }
    }
}
