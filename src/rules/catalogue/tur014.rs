//! Channel data on a connection are not filled up to four octets.
//!
//! Over TCP and TLS each message of a channel is followed by so many octets that the next one
//! begins at a multiple of four. A receiver that counts on that takes the next message apart at
//! the wrong place, and the connection is lost for it.
//!
//! Fix: let the sender add one to three octets behind such data; its length doesn't count them.

use crate::engine::turn::TurnAllocation;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TUR014",
    name: "channel-data-not-padded",
    severity: Severity::Warning,
    rfc: "RFC 8656",
    section: "12.5",
    source: include_str!("tur014.rs"),
    flags: &[
        "0 A:4000>B:3478 stun request id=1 method=3 over=tcp
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600 over=tcp
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000 over=tcp
         25 B:3478>A:4000 stun success id=3 method=9 over=tcp
         100 A:4000>B:3478 octets hex=400000070102030405060740000007010203040506074000000701020304050607 over=tcp",
    ],
    accepts: &[
        "0 A:4000>B:3478 stun request id=1 method=3 over=tcp
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600 over=tcp
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000 over=tcp
         25 B:3478>A:4000 stun success id=3 method=9 over=tcp
         100 A:4000>B:3478 octets hex=400000070102030405060700400000070102030405060700400000070102030405060700 over=tcp",
        // In a datagram nothing follows.
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         100 A:4000>B:3478 octets hex=40000003010203
         120 A:4000>B:3478 octets hex=40000003010203",
    ],
    check: Check::Turn(check),
    ..Rule::BASE
};

fn check(allocation: &TurnAllocation, _: CaptureFacts, found: &mut Findings) {
    if let Some((at, sender, count)) = allocation.not_padded {
        found.add(
            format!(
                "{sender} sends {} in channels without filling them up to four octets",
                match count {
                    1 => "a message".to_owned(),
                    _ => format!("{count} messages"),
                }
            ),
            [at],
        );
        found.by(sender.ip.to_string());
    }
}
