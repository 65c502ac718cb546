//! A fax did not get through.
//!
//! Both machines were heard, and the sender was never told that its last page came: the
//! training failed, a page was refused, or one side hung up in the middle.
//!
//! Fix: see which signal was the last; lower the rate where trainings fail, use redundancy where
//! packets are lost.

use crate::engine::fax::FaxResult;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED066",
    name: "fax-failed",
    severity: Severity::Warning,
    symptom: Some("fax-failed"),
    source: include_str!("med066.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=m=audio_4000_RTP/AVP_0=>m=image_4000_udptl_t38
         5 B>A 200 to=t sdp=5000 swap=m=audio_5000_RTP/AVP_0=>m=image_5000_udptl_t38
         6 A>B ACK branch=2 to=t
         100 B:5000>A:4000 fax repeats=1 say=ced,DIS
         500 A:4000>B:5000 fax repeats=1 say=TSI,DCS
         800 B:5000>A:4000 fax repeats=1 say=FTT
         1000 A:4000>B:5000 fax repeats=1 say=DCS
         1300 B:5000>A:4000 fax repeats=1 say=FTT
         1600 A:4000>B:5000 fax repeats=1 say=DCN
         5000 A>B BYE cseq=2 branch=3 to=t
         5005 B>A 200 method=BYE cseq=2 branch=3 to=t",
        "0 A>B INVITE sdp=4000 swap=m=audio_4000_RTP/AVP_0=>m=image_4000_udptl_t38
         5 B>A 200 to=t sdp=5000 swap=m=audio_5000_RTP/AVP_0=>m=image_5000_udptl_t38
         6 A>B ACK branch=2 to=t
         100 B:5000>A:4000 fax repeats=1 say=ced,DIS
         500 A:4000>B:5000 fax repeats=1 say=TSI,DCS
         800 B:5000>A:4000 fax repeats=1 say=CFR
         1000 A:4000>B:5000 fax repeats=1 say=MPS
         1300 B:5000>A:4000 fax repeats=1 say=MCF
         1600 A:4000>B:5000 fax repeats=1 say=EOP
         1900 B:5000>A:4000 fax repeats=1 say=RTN
         2100 A:4000>B:5000 fax repeats=1 say=DCN
         5000 A>B BYE cseq=2 branch=3 to=t
         5005 B>A 200 method=BYE cseq=2 branch=3 to=t",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 swap=m=audio_4000_RTP/AVP_0=>m=image_4000_udptl_t38
         5 B>A 200 to=t sdp=5000 swap=m=audio_5000_RTP/AVP_0=>m=image_5000_udptl_t38
         6 A>B ACK branch=2 to=t
         100 B:5000>A:4000 fax repeats=1 say=ced,DIS
         500 A:4000>B:5000 fax repeats=1 say=TSI,DCS
         800 B:5000>A:4000 fax repeats=1 say=CFR
         1000 A:4000>B:5000 fax repeats=1 say=MPS
         1300 B:5000>A:4000 fax repeats=1 say=MCF
         1600 A:4000>B:5000 fax repeats=1 say=EOP
         1900 B:5000>A:4000 fax repeats=1 say=MCF
         2100 A:4000>B:5000 fax repeats=1 say=DCN
         5000 A>B BYE cseq=2 branch=3 to=t
         5005 B>A 200 method=BYE cseq=2 branch=3 to=t",
        "0 A>B INVITE sdp=4000 swap=m=audio_4000_RTP/AVP_0=>m=image_4000_udptl_t38
         5 B>A 200 to=t sdp=5000 swap=m=audio_5000_RTP/AVP_0=>m=image_5000_udptl_t38
         6 A>B ACK branch=2 to=t
         100 B:5000>A:4000 fax repeats=1 say=ced,DIS
         500 A:4000>B:5000 fax repeats=1 say=TSI,DCS
         800 B:5000>A:4000 fax repeats=1 say=CFR
         1000 A:4000>B:5000 fax repeats=1 say=EOP
         1300 B:5000>A:4000 fax repeats=1 say=!MCF,!no-signal,no-signal
         1600 A:4000>B:5000 fax repeats=1 say=DCN
         5000 A>B BYE cseq=2 branch=3 to=t
         5005 B>A 200 method=BYE cseq=2 branch=3 to=t",
        "0 A>B INVITE sdp=4000 swap=m=audio_4000_RTP/AVP_0=>m=image_4000_udptl_t38
         5 B>A 200 to=t sdp=5000 swap=m=audio_5000_RTP/AVP_0=>m=image_5000_udptl_t38
         6 A>B ACK branch=2 to=t
         100 B:5000>A:4000 fax repeats=1 say=ced,DIS
         500 A:4000>B:5000 fax repeats=1 say=TSI,DCS
         800 B:5000>A:4000 fax repeats=1 say=CFR
         1000 A:4000>B:5000 fax repeats=1 say=EOP",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let call = context.call();
    let mut media: Vec<u8> = call.faxes.iter().map(|fax| fax.membership.media).collect();
    media.sort_unstable();
    media.dedup();
    for own in media {
        let Some(outcome) = call.fax_outcome(own) else {
            continue;
        };
        let came = match outcome.result {
            FaxResult::Failed => "no page came".to_owned(),
            FaxResult::Partial => format!(
                "{} of {} pages came",
                outcome.pages_confirmed, outcome.pages_sent
            ),
            FaxResult::Complete | FaxResult::Unknown => continue,
        };
        let reason = outcome.reason.unwrap_or_default();
        let first = call.faxes.iter().find(|fax| fax.membership.media == own);
        found.add(format!("{came}: {reason}"), first.map(|fax| fax.first));
    }
}
