//! Digits as events have another clock than the sound beside them.
//!
//! Both share one RTP clock; with 8000 beside a codec of 48000 the digits come out at the
//! wrong times, or not at all.
//!
//! Fix: offer telephone-event with each clock that a codec has.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED045",
    name: "dtmf-pt-clock",
    severity: Severity::Warning,
    rfc: "RFC 4733",
    section: "2.4.1",
    source: include_str!("med045.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_96_101 line=a=rtpmap:96_opus/48000/2 line=a=rtpmap:101_telephone-event/8000",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP_0=>RTP/AVP_96_0_101 line=a=rtpmap:96_opus/48000/2 line=a=rtpmap:101_telephone-event/8000",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

/// What stands for the clocks of codecs.
type Clocks<'c> = SmallVec<[Option<&'c str>; 8]>;

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions() {
        for media in description
            .media
            .iter()
            .filter(|own| own.kind() == b"audio" && own.port() != Some(0))
        {
            let formats = media.formats().iter();
            let codecs: SmallVec<[Cow<'_, str>; 8]> =
                formats.filter_map(|own| media.codec(own)).collect();
            let (mut events, mut sound) = (Clocks::new(), Clocks::new());
            for codec in &codecs {
                let clock = codec.split_once('/').map(|(_, clock)| clock);
                match codec.starts_with("TELEPHONE-EVENT") {
                    true => events.push(clock),
                    false => sound.push(clock),
                }
            }
            if !events.is_empty()
                && !sound.is_empty()
                && events.iter().all(|own| !sound.contains(own))
            {
                found.quote(
                    message,
                    media.media,
                    format!(
                        "{} offers digits with a clock that no codec of it has",
                        message.told()
                    ),
                );
                return;
            }
        }
    }
}
