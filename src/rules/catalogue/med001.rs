//! Packets have a payload type that was never agreed.
//!
//! The receiver does not know what to do with them and drops them. A sender must use the
//! numbers of the other side's description.
//!
//! Fix: see which number the receiver lists for the codec, and let the sender use it.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED001",
    name: "pt-not-negotiated",
    severity: Severity::Error,
    rfc: "RFC 3264",
    section: "6.1",
    symptom: Some("no-audio"),
    source: include_str!("med001.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=100 pt=18"],
    accepts: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=100 pt=0"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.call().start_seen || !context.is_whole() {
        return;
    }
    for stream in &context.closed.streams {
        let Some(member) = stream.membership else {
            continue;
        };
        let session = &context.call().session;
        let strange = stream.payload_types.iter().find(|(number, count)| {
            let enough = *count >= 10 && *count * 10 >= stream.packets;
            enough && *number != 13 && !session.knows_payload_type(*number)
        });
        if let Some((number, count)) = strange {
            found.add(format!("{count} packets of payload type {number} from {} to the {}; nobody agreed on it", stream.flow.src, member.to.name()), [stream.first]);
            found.by(member.to.other().name());
        }
    }
}
