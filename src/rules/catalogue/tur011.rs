//! Much is relayed without a channel.
//!
//! A Send indication adds 36 octets to each packet, a channel 4: for a call of G.711 that is
//! a sixth of what it sends.
//!
//! Fix: let the client bind a channel to each peer that media go to.

use crate::engine::turn::TurnAllocation;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TUR011",
    name: "send-indications",
    severity: Severity::Info,
    rfc: "RFC 8656",
    section: "12",
    source: include_str!("tur011.rs"),
    flags: &[
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=2 method=8 peer=C:5000
         25 B:3478>A:4000 stun success id=2 method=8
         x1001/10 100 A:4000>B:3478 octets hex=001600142112a442010101010101010101010101001200080001329a2b12a4410013000401020304",
    ],
    accepts: &[
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         100 A:4000>B:3478 octets hex=4000000401020304",
    ],
    check: Check::Turn(check),
    ..Rule::BASE
};

/// So many are no exchange of a few checks any more.
const MANY: u64 = 1000;

fn check(allocation: &TurnAllocation, _: CaptureFacts, found: &mut Findings) {
    let sent = allocation.to_peers.indications;
    if sent > MANY {
        found.add(
            format!(
                "{} sends {sent} packets without a channel",
                allocation.flow.src
            ),
            [allocation.first],
        );
        found.by(allocation.flow.src.ip.to_string());
    }
}
