//! A client sends in a channel whose binding has run out.
//!
//! A channel stands for 600 seconds after it was last bound, and data do not renew it. The
//! server drops what comes later.
//!
//! Fix: let the client bind each channel again every nine minutes.

use crate::engine::turn::TurnAllocation;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TUR005",
    name: "channel-expired",
    severity: Severity::Error,
    rfc: "RFC 8656",
    section: "12",
    source: include_str!("tur005.rs"),
    flags: &["0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=3600
         30 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         35 B:3478>A:4000 stun success id=3 method=9
         500000 A:4000>B:3478 stun request id=5 method=8 peer=C:5000
         500005 B:3478>A:4000 stun success id=5 method=8
         601000 A:4000>B:3478 octets hex=4000000401020304"],
    accepts: &["0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=3600
         30 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         35 B:3478>A:4000 stun success id=3 method=9
         500000 A:4000>B:3478 stun request id=5 method=9 channel=16384 peer=C:5000
         500005 B:3478>A:4000 stun success id=5 method=9
         601000 A:4000>B:3478 octets hex=4000000401020304"],
    check: Check::Turn(check),
    ..Rule::BASE
};

fn check(allocation: &TurnAllocation, _: CaptureFacts, found: &mut Findings) {
    for channel in &allocation.channels {
        if let Some((at, packets)) = channel.late {
            found.add(
                format!(
                    "{} sends {packets} packets in channel {:#06x} after its 600 s ran out",
                    allocation.flow.src, channel.number
                ),
                [at],
            );
            found.by(allocation.flow.src.ip.to_string());
        }
    }
}
