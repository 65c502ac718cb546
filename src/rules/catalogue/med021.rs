//! Media come from elsewhere than where their sender wants to be sent to.
//!
//! A NAT or a relay lies between, or the device uses two sockets. The other side must answer
//! to where they come from.
//!
//! Fix: let the far end use symmetric RTP, or anchor the media at a relay.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED021",
    name: "media-source-mismatch",
    severity: Severity::Info,
    rfc: "RFC 4961",
    section: "3",
    source: include_str!("med021.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4444>B:5000 rtp n=100"],
    accepts: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=100"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for stream in &context.closed.streams {
        let Some(member) = stream.membership else {
            continue;
        };
        let side = member.to.other();
        let mut named = context
            .call()
            .session
            .addresses
            .iter()
            .filter(|own| own.side == side && own.media == member.media)
            .peekable();
        let Some(first) = named.peek().map(|own| own.endpoint) else {
            continue;
        };
        if stream.packets >= 10 && named.all(|own| own.endpoint != stream.flow.src) {
            found.add(
                format!(
                    "the {} asks to be sent to at {first} and sends from {}",
                    side.name(),
                    stream.flow.src
                ),
                [stream.first],
            );
        }
    }
}
