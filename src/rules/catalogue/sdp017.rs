//! Offer and answer give one codec two numbers.
//!
//! Each side must then send with the other's number. That is allowed, and some programs get
//! it wrong.
//!
//! Fix: let the answer take the number of the offer.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP017",
    name: "pt-asymmetric",
    severity: Severity::Info,
    rfc: "RFC 3264",
    section: "6.1",
    source: include_str!("sdp017.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_96 line=a=rtpmap:96_opus/48000/2
         5 B>A 200 to=t sdp=5000 swap=RTP/AVP_0=>RTP/AVP_97 line=a=rtpmap:97_opus/48000/2",
    ],
    accepts: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for round in context.rounds() {
        for (offered, answered) in round.offered.media.iter().zip(&round.answered.media) {
            for &format in answered.formats() {
                let Some(codec) = answered.codec(format) else {
                    continue;
                };
                let same = |own: &&&[u8]| offered.codec(own).as_ref() == Some(&codec);
                let numbers: Vec<_> = offered.formats().iter().filter(same).collect();
                if let (Some(first), false) = (numbers.first(), numbers.contains(&&format)) {
                    found.quote(
                        round.answer,
                        answered.media,
                        format!(
                            "{codec} is {} in the offer and {} in the answer",
                            octets::text(first),
                            octets::text(format)
                        ),
                    );
                    return;
                }
            }
        }
    }
}
