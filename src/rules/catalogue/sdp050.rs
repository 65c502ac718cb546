//! Fax over IP was asked for and refused.
//!
//! The call goes on as audio; a fax may get through as sound, or fail when packets are
//! lost.
//!
//! Fix: enable T.38 at both ends, or let the gateway go on with G.711.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "SDP050",
    name: "t38-refused",
    severity: Severity::Warning,
    rfc: "RFC 3264",
    section: "8",
    symptom: Some("fax-failed"),
    source: include_str!("sdp050.rs"),
    flags: &[
        "0 A>B INVITE to=t cseq=2 sdp=4000 swap=m=audio_4000_RTP/AVP_0=>m=image_4000_udptl_t38
         5 B>A 488 to=t cseq=2",
    ],
    accepts: &[
        "0 A>B INVITE to=t cseq=2 sdp=4000 swap=m=audio_4000_RTP/AVP_0=>m=image_4000_udptl_t38
         5 B>A 200 to=t cseq=2 sdp=5000 swap=m=audio_5000_RTP/AVP_0=>m=image_5000_udptl_t38",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, response, request) in context.answered().filter(|(_, own, _)| own.is_original) {
        let Some(description) = &request.sdp else {
            continue;
        };
        let fax = description
            .media
            .iter()
            .find(|own| own.kind() == b"image" && own.port() != Some(0));
        let Some(fax) = fax else { continue };
        let refused = status >= 400 && !matches!(status, 401 | 407 | 491 | 500);
        let dropped = response.sdp.as_ref().is_some_and(|own| {
            own.media
                .iter()
                .any(|own| own.kind() == b"image" && own.port() == Some(0))
        });
        if refused || (dropped && response.is_success(&Method::Invite)) {
            found.quote(
                request,
                fax.media,
                format!("{} refuses T.38: {status}", response.flow().src),
            );
            found.by(response.flow().src.ip.to_string());
            found.also(response.at());
            return;
        }
    }
}
