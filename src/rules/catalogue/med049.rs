//! Encrypted media do not fit the keys that were agreed on.
//!
//! The keys stand in the descriptions (or came by DTLS), and the authentication tags of the
//! packets are not made with them: the sender encrypts with another key, not at all, or counts
//! its packets otherwise. The receiver throws them away, and nothing is heard.
//!
//! Fix: let the sender use the key of its own last description, keep the roll-over counter
//! over a re-INVITE with the same key, and send no plain RTP where RTP/SAVP was agreed.

use crate::engine::session::Side;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

/// So many packets in a hundred, and no fewer than ten, are no accident.
const SHARE: u64 = 5;

pub(super) const RULE: Rule = Rule {
    code: "MED049",
    name: "srtp-auth-fail",
    severity: Severity::Error,
    rfc: "RFC 3711",
    section: "3.3",
    symptom: Some("garbled-audio"),
    source: include_str!("med049.rs"),
    flags: &["0 A>B INVITE sdp=4000 swap=RTP/AVP=>RTP/SAVP line=a=crypto:1_AES\\_CM\\_128\\_HMAC\\_SHA1\\_80_inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>RTP/SAVP line=a=crypto:1_AES\\_CM\\_128\\_HMAC\\_SHA1\\_80_inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=100"],
    accepts: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=100",
         "0 A>B INVITE sdp=4000 swap=RTP/AVP=>RTP/SAVP line=a=crypto:1_AES\\_CM\\_128\\_HMAC\\_SHA1\\_80_inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>RTP/SAVP line=a=crypto:1_AES\\_CM\\_128\\_HMAC\\_SHA1\\_80_inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj
         30 A>B ACK branch=2 to=t
         40 R:4000>B:5000 rtp n=100"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let call = context.call();
    // A stream that began before the capture may have counted further.
    if !call.start_seen {
        return;
    }
    for stream in &context.closed.streams {
        let (_, opened, failed) = stream.opened();
        if failed < 10 || failed * 100 < (opened + failed) * SHARE {
            continue;
        }
        let Some(membership) = stream.membership else {
            continue;
        };
        let sender = membership.to.other();
        // Who relays media has keys of its own, which nobody may have captured.
        let is_described = (call.session.addresses.iter())
            .any(|own| own.endpoint == stream.flow.src && own.side == sender);
        let is_secure = (call.session.epochs.iter()).any(|epoch| {
            [Side::Caller, Side::Callee].into_iter().all(|side| {
                let medium = epoch.medium(side, usize::from(membership.media));
                medium.is_some_and(|own| own.protocol.contains("SAVP"))
            })
        });
        if !is_described || !is_secure {
            continue;
        }
        found.add(
            format!(
                "{failed} of {} packets from {} to {} do not fit the keys that were agreed on",
                opened + failed,
                stream.flow.src,
                stream.flow.dst
            ),
            [stream.first],
        );
        found.by(sender.name());
    }
}
