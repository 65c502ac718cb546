//! Media are protected where plain RTP was agreed, or plain where SRTP was.
//!
//! It is told by the lengths: G.711 has eight octets a millisecond, and SRTP adds the ten octets
//! of its tag to each packet. The receiver plays noise, or throws everything away.
//!
//! Fix: let both ends use what they agreed on; a fallback is agreed on with RTP/AVP and keys
//! (RFC 8643).

use crate::engine::session::{Epoch, Side};
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED048",
    name: "srtp-not-as-agreed",
    severity: Severity::Error,
    rfc: "RFC 3711",
    section: "3.1",
    symptom: Some("garbled-audio"),
    causes: &["MED049"],
    source: include_str!("med048.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_E4:F6:0D:0A:A6:D7:F3:D3:B6:A6:49:4B:1C:86:1B:99:F6:49:C6:F9:EC:51:AB:AF:20:1B:20:F2:97:32:7C:95 line=a=setup:actpass
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:active
         30 A>B ACK branch=2 to=t
         100 A:4000>B:5000 rtp n=60",
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         100 A:4000>B:5000 rtp n=60 tail=10",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_E4:F6:0D:0A:A6:D7:F3:D3:B6:A6:49:4B:1C:86:1B:99:F6:49:C6:F9:EC:51:AB:AF:20:1B:20:F2:97:32:7C:95 line=a=setup:actpass
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:active
         30 A>B ACK branch=2 to=t
         100 A:4000>B:5000 rtp n=60 tail=10",
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         100 A:4000>B:5000 rtp n=60",
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         100 A:4000>B:5000 rtp n=60 tail=9",
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         100 A:4000>B:5000 rtp n=60 tail=16",
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_E4:F6:0D:0A:A6:D7:F3:D3:B6:A6:49:4B:1C:86:1B:99:F6:49:C6:F9:EC:51:AB:AF:20:1B:20:F2:97:32:7C:95 line=a=setup:actpass
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:active
         30 A>B ACK branch=2 to=t
         100 A:4000>B:5000 rtp n=49",
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         100 A:4000>B:5000 rtp n=60 tail=10 pt=18",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

/// Fewer packets say little.
const MIN_PACKETS: u64 = 50;
/// The header without contributors and extensions.
const HEADER: u64 = 12;
/// What SRTP adds with the usual HMAC_SHA1_80. Others add 4 or 16, as contributors and
/// extensions of the header do too.
const TAG: u64 = 10;

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let call = context.call();
    for stream in &context.closed.streams {
        let Some(membership) = stream.membership else {
            continue;
        };
        let agreed: Vec<&Epoch> = (call.session.epochs.iter())
            .filter(|epoch| epoch.is_agreed())
            .collect();
        // Whether all that was agreed has keys, none has, or it changed.
        let count = |wanted: fn(&crate::sdp::MediaDescription) -> bool| {
            let fits = |epoch: &&&Epoch| {
                [Side::Caller, Side::Callee].into_iter().all(|side| {
                    let medium = epoch.medium(side, usize::from(membership.media));
                    medium.is_some_and(wanted)
                })
            };
            agreed.iter().filter(fits).count()
        };
        let is_secure = count(|own| own.protocol.contains("SAVP"));
        let is_plain = count(|own| own.is_rtp() && !own.is_secure() && own.crypto.is_empty());
        let Some(added) = added(stream) else {
            continue;
        };
        let what = match added {
            0 if !agreed.is_empty() && is_secure == agreed.len() => "plain RTP where SRTP",
            TAG if !agreed.is_empty() && is_plain == agreed.len() => "SRTP where plain RTP",
            _ => continue,
        };
        let message = format!(
            "{} packets from {} to {} look like {what} was agreed: {added} octets more than \
             the sound",
            stream.packets, stream.flow.src, stream.flow.dst
        );
        found.add(message, [stream.first]);
        found.by(membership.to.other().name());
    }
}

/// Octets of each packet beside its header and its sound; `None` where the codec does not tell
/// how long that is, or they are not all alike.
fn added(stream: &crate::engine::rtp_stream::RtpStream) -> Option<u64> {
    let [(0 | 8, packets)] = stream.payload_types.as_slice() else {
        return None;
    };
    let length = stream.bytes.checked_div(*packets)?;
    if *packets < MIN_PACKETS || stream.bytes != length * packets {
        return None;
    }
    let sound = stream.ptime_ms(Some(8000))? * 8.0;
    length.checked_sub(HEADER)?.checked_sub(sound as u64)
}
