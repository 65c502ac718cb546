//! A TURN server could not connect to a peer over TCP.
//!
//! 446 says that there is a connection already, 447 that the peer did not answer in time or
//! refused.
//!
//! Fix: look whether the peer listens, and what its firewall lets in.

use crate::engine::turn::TurnAllocation;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TUR016",
    name: "connect-failed",
    severity: Severity::Warning,
    rfc: "RFC 6062",
    section: "6.2",
    source: include_str!("tur016.rs"),
    flags: &["0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=2 method=10 peer=C:5000
         25 B:3478>A:4000 stun error=447 id=2 method=10"],
    accepts: &["0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=2 method=10 peer=C:5000
         25 B:3478>A:4000 stun error=401 id=2 method=10"],
    check: Check::Turn(check),
    ..Rule::BASE
};

const CONNECT: u16 = 10;

fn check(allocation: &TurnAllocation, _: CaptureFacts, found: &mut Findings) {
    for (method, code, count) in &allocation.errors {
        if *method == CONNECT && matches!(code, 446 | 447) {
            found.add(
                format!(
                    "{} can't connect to a peer for {}: {code}, {count} times",
                    allocation.flow.dst, allocation.flow.src
                ),
                [allocation.first],
            );
        }
    }
}
