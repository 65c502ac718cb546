//! Fax packets are lost for good, or nothing would make a loss good.
//!
//! UDPTL repeats earlier packets, or sends parities over them, so that single losses do no harm.
//! What is lost beyond that costs lines of a page, whole pages without error correction, or the
//! fax.
//!
//! Fix: set `T38FaxUdpEC` to redundancy of 3 or more at both ends; look for what loses packets.

use crate::engine::fax::FaxStream;
use crate::engine::session::Side;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED061",
    name: "fax-packets-lost",
    severity: Severity::Warning,
    causes: &["MED066"],
    source: include_str!("med061.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=m=audio_4000_RTP/AVP_0=>m=image_4000_udptl_t38
         5 B>A 200 to=t sdp=5000 swap=m=audio_5000_RTP/AVP_0=>m=image_5000_udptl_t38
         6 A>B ACK branch=2 to=t
         100 A:4000>B:5000 fax say=cng,!cng,!cng,no-signal,cng repeats=1",
        "0 A>B INVITE sdp=4000 swap=m=audio_4000_RTP/AVP_0=>m=image_4000_udptl_t38
         5 B>A 200 to=t sdp=5000 swap=m=audio_5000_RTP/AVP_0=>m=image_5000_udptl_t38
         6 A>B ACK branch=2 to=t
         100 A:4000>B:5000 fax say=cng,cng,cng,cng,cng,cng,cng,cng,cng,cng",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 swap=m=audio_4000_RTP/AVP_0=>m=image_4000_udptl_t38
         5 B>A 200 to=t sdp=5000 swap=m=audio_5000_RTP/AVP_0=>m=image_5000_udptl_t38
         6 A>B ACK branch=2 to=t
         100 A:4000>B:5000 fax say=cng,!cng,!cng,no-signal,cng repeats=2",
        "0 A>B INVITE sdp=4000 swap=m=audio_4000_RTP/AVP_0=>m=image_4000_udptl_t38
         5 B>A 200 to=t sdp=5000 swap=m=audio_5000_RTP/AVP_0=>m=image_5000_udptl_t38
         6 A>B ACK branch=2 to=t
         100 A:4000>B:5000 fax say=cng,cng,cng,cng,cng,cng,cng,cng,cng",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

/// The first packets have nothing to repeat; of fewer than these nothing is said.
const MIN_PACKETS: u64 = 10;

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for side in [Side::Caller, Side::Callee] {
        let own = || context.call().faxes.iter().filter(|fax| fax.by() == side);
        let lost = |fax: &&FaxStream| fax.sequence.unrecovered();
        if let Some(fax) = own().max_by_key(lost).filter(|fax| lost(fax) > 0) {
            let sequence = &fax.sequence;
            let message = format!(
                "{} of {} fax packets from {} to {} are lost, {} of them for good",
                sequence.lost(),
                sequence.expected(),
                fax.flow.src,
                fax.flow.dst,
                sequence.unrecovered()
            );
            found.add(message, [fax.first]);
        }
        let bare = own().find(|fax| {
            let makes_good = fax.redundancy > 0 || fax.has_parity;
            !makes_good && fax.sequence.expected() >= MIN_PACKETS
        });
        if let Some(fax) = bare {
            let message = format!(
                "fax packets from {} to {} repeat nothing: each loss costs a part of the page",
                fax.flow.src, fax.flow.dst
            );
            found.add(message, [fax.first]);
        }
    }
}
