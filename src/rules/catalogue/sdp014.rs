//! The two sides have no codec, or no kind of media, in common.
//!
//! The call was refused with 488 or 606, or every medium of the offer was refused.
//!
//! Fix: allow a codec at one side that the other one has, or put a transcoder between
//! them; with SRTP on one side only, the protocol of the media line differs.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sdp::SessionDescription;

pub(super) const RULE: Rule = Rule {
    code: "SDP014",
    name: "no-common-codec",
    severity: Severity::Error,
    rfc: "RFC 3264",
    section: "6",
    symptom: Some("rejected"),
    source: include_str!("sdp014.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000
         10 B>A 488 to=t
         11 A>B ACK to=t",
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=0
         30 A>B ACK branch=2 to=t",
    ],
    accepts: &["0 A>B INVITE sdp=4000
         10 B>A 486 to=t
         11 A>B ACK to=t"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let Some(last) = context.attempts().last() else {
        return;
    };
    let codecs = |description: &SessionDescription| -> String {
        let names: Vec<String> = description
            .media
            .iter()
            .flat_map(|media| {
                let protocol = media.protocol.clone();
                media.payload_types.iter().take(8).map(move |kind| {
                    let codec = media.codec(*kind);
                    codec.map_or_else(|| format!("{protocol} {kind}"), |codec| codec.encoding)
                })
            })
            .collect();
        names.join(", ")
    };
    let epoch = context.call().session.epochs.first();
    let response = context.call().final_of(last);
    let is_refused = response.is_some_and(|own| matches!(own.status_code, 488 | 606));
    let answer = epoch.and_then(|epoch| epoch.answer.as_ref());
    let is_answered = answer.is_some_and(|own| own.media.iter().any(|media| media.port != 0));
    if !is_refused && (answer.is_none() || is_answered) {
        return;
    }
    let offered = epoch.map_or_else(|| "nothing".to_owned(), |epoch| codecs(&epoch.offer));
    if let Some(response) = response.filter(|own| matches!(own.status_code, 488 | 606)) {
        found.add(
            format!(
                "{} {}: offered were {offered}",
                response.status_code, response.reason_phrase
            ),
            [last.first],
        );
        found.by(response.by.ip.to_string());
    } else if let Some(answer) = epoch.and_then(|epoch| epoch.answer.as_ref())
        && !answer.media.is_empty()
        && answer.media.iter().all(|media| media.port == 0)
    {
        found.add(
            format!("every medium is refused: offered were {offered}"),
            [last.first],
        );
        found.by("callee");
    }
}
