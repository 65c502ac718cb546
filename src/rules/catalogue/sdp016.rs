//! A payload type changed its meaning within a session.
//!
//! Packets under way are decoded by the wrong codec; the number must stay what it was.
//!
//! Fix: take a number that was not used yet.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP016",
    name: "dynamic-pt-remapped",
    severity: Severity::Error,
    rfc: "RFC 3264",
    section: "8.3.2",
    symptom: Some("garbled-audio"),
    source: include_str!("sdp016.rs"),
    flags: &["0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_96 line=a=rtpmap:96_opus/48000/2
         5 B>A 200 to=t sdp=5000
         6 A>B ACK to=t branch=2
         900 A>B INVITE to=t cseq=2 branch=3 sdp=4002 swap=RTP/AVP_0=>RTP/AVP_96 line=a=rtpmap:96_iLBC/8000"],
    accepts: &["0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_96 line=a=rtpmap:96_opus/48000/2
         5 B>A 200 to=t sdp=5000
         6 A>B ACK to=t branch=2
         900 A>B INVITE to=t cseq=2 branch=3 sdp=4002 swap=RTP/AVP_0=>RTP/AVP_97 line=a=rtpmap:97_iLBC/8000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for case in context.renewals() {
        let same_session =
            case.before.origin_words().get(1) == case.description.origin_words().get(1);
        if !same_session || !(case.message.is_inside() || case.earlier.cseq != case.message.cseq) {
            continue;
        }
        for (before, now) in case.before.media.iter().zip(&case.description.media) {
            for &format in now.formats() {
                let is_dynamic =
                    octets::decimal(format).is_some_and(|own| (96..128).contains(&own));
                if let (true, Some(old), Some(new)) =
                    (is_dynamic, before.codec(format), now.codec(format))
                    && old != new
                {
                    let part = now.rtpmap(format).unwrap_or_default();
                    found.quote(
                        case.message,
                        part,
                        format!(
                            "{} makes {new} of payload type {}, which was {old}",
                            case.message.told(),
                            octets::text(format)
                        ),
                    );
                    found.also(case.earlier.at());
                    return;
                }
            }
        }
    }
}
