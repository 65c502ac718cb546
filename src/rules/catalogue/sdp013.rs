//! An answer takes no codec that was offered.
//!
//! Both sides think that they agreed and send what the other can't decode.
//!
//! Fix: let the side that answers choose among what was offered.

use std::borrow::Cow;

use crate::rules::description::Section;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP013",
    name: "pt-not-offered",
    severity: Severity::Error,
    rfc: "RFC 3264",
    section: "6.1",
    symptom: Some("no-audio"),
    source: include_str!("sdp013.rs"),
    flags: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000 swap=RTP/AVP_0=>RTP/AVP_8"],
    accepts: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_0_97 line=a=rtpmap:97_opus/48000/2
         5 B>A 200 to=t sdp=5000 swap=RTP/AVP_0=>RTP/AVP_98 line=a=rtpmap:98_OPUS/48000/2",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for round in context.rounds() {
        for (offered, answered) in round.offered.media.iter().zip(&round.answered.media) {
            fn codecs<'s>(own: &'s Section<'_>) -> Vec<Cow<'s, str>> {
                let formats = own.formats().iter();
                let all = formats.filter_map(|format| own.codec(format));
                all.filter(|codec| {
                    !codec.starts_with("TELEPHONE-EVENT") && !codec.starts_with("CN/")
                })
                .collect()
            }
            let (ours, theirs) = (codecs(offered), codecs(answered));
            let unknown = answered
                .formats()
                .iter()
                .any(|format| answered.codec(format).is_none());
            let live = answered.is_rtp() && answered.port() != Some(0) && offered.port() != Some(0);
            if live
                && !unknown
                && !ours.is_empty()
                && !theirs.is_empty()
                && !theirs.iter().any(|own| ours.contains(own))
            {
                let text = format!(
                    "{} takes {}, offered were {}",
                    round.answer.told(),
                    theirs.join(" "),
                    ours.join(" ")
                );
                found.quote(round.answer, answered.media, text);
            }
        }
    }
}
