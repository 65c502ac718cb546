//! Feedback is promised by a profile that has none.
//!
//! a=rtcp-fb belongs to RTP/AVPF or RTP/SAVPF; under RTP/AVP it means nothing.
//!
//! Fix: use RTP/AVPF or RTP/SAVPF.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP054",
    name: "rtcp-fb-without-avpf",
    severity: Severity::Warning,
    rfc: "RFC 4585",
    section: "4.1",
    is_tolerated: true,
    source: include_str!("sdp054.rs"),
    flags: &["0 A>B INVITE sdp=4000 line=a=rtcp-fb:0_nack"],
    accepts: &["0 A>B INVITE sdp=4000 swap=RTP/AVP=>RTP/AVPF line=a=rtcp-fb:0_nack"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions() {
        let odd = description.media.iter().find(|own| {
            own.is_rtp() && !own.protocol().ends_with(b"F") && own.attribute("rtcp-fb").is_some()
        });
        if let Some(media) = odd {
            found.quote(
                message,
                media.media,
                format!(
                    "{} promises feedback under {}",
                    message.told(),
                    octets::text(media.protocol())
                ),
            );
            return;
        }
    }
}
