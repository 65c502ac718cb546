//! A client sends to a peer whose permission has run out.
//!
//! A permission stands for 300 seconds after it was last asked for; sending does not renew it.
//! The server drops what comes later, both ways.
//!
//! Fix: let the client renew each permission every four minutes.

use crate::engine::turn::TurnAllocation;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TUR004",
    name: "permission-expired",
    severity: Severity::Error,
    rfc: "RFC 8656",
    section: "9",
    source: include_str!("tur004.rs"),
    flags: &["0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=3600
         20 A:4000>B:3478 stun request id=2 method=8 peer=C:5000
         25 B:3478>A:4000 stun success id=2 method=8
         30 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         35 B:3478>A:4000 stun success id=3 method=9
         100 A:4000>B:3478 octets hex=4000000401020304
         330100 A:4000>B:3478 octets hex=4000000401020304"],
    accepts: &[
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=3600
         30 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         35 B:3478>A:4000 stun success id=3 method=9
         250000 A:4000>B:3478 stun request id=5 method=8 peer=C:5000
         250005 B:3478>A:4000 stun success id=5 method=8
         330100 A:4000>B:3478 octets hex=4000000401020304",
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=3600
         30 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         35 B:3478>A:4000 stun success id=3 method=9
         299000 A:4000>B:3478 octets hex=4000000401020304",
    ],
    check: Check::Turn(check),
    ..Rule::BASE
};

fn check(allocation: &TurnAllocation, _: CaptureFacts, found: &mut Findings) {
    for permission in &allocation.permissions {
        if let Some((at, packets)) = permission.late {
            found.add(
                format!(
                    "{} sends {packets} packets to {} after the permission of 300 s ran out",
                    allocation.flow.src, permission.ip
                ),
                [at],
            );
            found.by(allocation.flow.src.ip.to_string());
        }
    }
}
