//! A client binds a channel that leads to another peer, or a peer that has another channel.
//!
//! One channel has one peer and one peer one channel until five minutes after the binding ran
//! out. The server refuses, and what is sent in the new channel goes nowhere.
//!
//! Fix: let the client bind the next free channel, or send in the one that the peer has.

use crate::engine::turn::TurnAllocation;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TUR007",
    name: "channel-rebind-conflict",
    severity: Severity::Error,
    rfc: "RFC 8656",
    section: "12.2",
    source: include_str!("tur007.rs"),
    flags: &[
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         100 A:4000>B:3478 stun request id=4 method=9 channel=16384 peer=D:5000
         105 B:3478>A:4000 stun error=400 id=4 method=9",
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         100 A:4000>B:3478 stun request id=4 method=9 channel=16385 peer=C:5000
         105 B:3478>A:4000 stun error=400 id=4 method=9",
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         599000 A:4000>B:3478 stun request id=4 method=9 channel=16385 peer=C:5000
         599005 B:3478>A:4000 stun error=400 id=4 method=9",
    ],
    accepts: &[
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         100 A:4000>B:3478 stun request id=4 method=9 channel=16385 peer=D:5000
         105 B:3478>A:4000 stun error=400 id=4 method=9",
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         100 A:4000>B:3478 stun request id=4 method=9 channel=16384 peer=C:5000
         105 B:3478>A:4000 stun error=400 id=4 method=9",
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         100 A:4000>B:3478 stun request id=4 method=9 channel=16384 peer=D:5000
         105 B:3478>A:4000 stun error=438 id=4 method=9",
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         601000 A:4000>B:3478 stun request id=4 method=9 channel=16385 peer=C:5000
         601005 B:3478>A:4000 stun error=400 id=4 method=9",
    ],
    check: Check::Turn(check),
    ..Rule::BASE
};

fn check(allocation: &TurnAllocation, _: CaptureFacts, found: &mut Findings) {
    let Some(own) = allocation.contradiction else {
        return;
    };
    found.add(
        format!(
            "{} binds channel {:#06x} to {}, while {:#06x} leads to {}",
            allocation.flow.src, own.number, own.peer, own.standing.number, own.standing.peer
        ),
        [own.at],
    );
    found.by(allocation.flow.src.ip.to_string());
}
