//! A channel has a number beyond those that are free for it.
//!
//! They are 0x4000 to 0x4FFF; RFC 5766 let them go to 0x7FFF, which newer servers refuse,
//! since other protocols share the port.
//!
//! Fix: let the client take numbers from 0x4000 to 0x4FFF.

use crate::engine::turn::TurnAllocation;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TUR006",
    name: "channel-number-range",
    severity: Severity::Warning,
    rfc: "RFC 8656",
    section: "12",
    source: include_str!("tur006.rs"),
    flags: &["0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         30 A:4000>B:3478 stun request id=3 method=9 channel=20480 peer=C:5000
         35 B:3478>A:4000 stun success id=3 method=9"],
    accepts: &["0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         30 A:4000>B:3478 stun request id=3 method=9 channel=20479 peer=C:5000
         35 B:3478>A:4000 stun success id=3 method=9"],
    check: Check::Turn(check),
    ..Rule::BASE
};

fn check(allocation: &TurnAllocation, _: CaptureFacts, found: &mut Findings) {
    for channel in &allocation.channels {
        if !(0x4000..=0x4fff).contains(&channel.number) {
            found.add(
                format!(
                    "{} binds channel {:#06x}",
                    allocation.flow.src, channel.number
                ),
                [allocation.first],
            );
            found.by(allocation.flow.src.ip.to_string());
        }
    }
}
