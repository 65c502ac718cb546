//! RTP is received at an odd port.
//!
//! By custom RTP has the even one and RTCP the next; with an odd one some devices send
//! their reports elsewhere.
//!
//! Fix: take an even port, or say a=rtcp or a=rtcp-mux.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP028",
    name: "odd-rtp-port",
    severity: Severity::Info,
    rfc: "RFC 3550",
    section: "11",
    source: include_str!("sdp028.rs"),
    flags: &["0 A>B INVITE sdp=4001"],
    accepts: &[
        "0 A>B INVITE sdp=4000",
        "0 A>B INVITE sdp=4001 line=a=rtcp-mux",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions() {
        for media in description.media.iter().filter(|own| own.is_rtp()) {
            let said = media.attribute("rtcp").is_some() || media.attribute("rtcp-mux").is_some();
            if media.port().is_some_and(|port| port % 2 == 1 && port != 9) && !said {
                found.quote(
                    message,
                    media.media,
                    format!("{} receives RTP at an odd port", message.told()),
                );
                return;
            }
        }
    }
}
