//! A client went on with its allocation from another address.
//!
//! With a ticket of the server (RFC 8016) an allocation outlives the network that it was asked
//! for in: the relayed address stays, so that the peers notice nothing. Around that moment
//! packets may be missing, and the delay may be another one from then on.
//!
//! Fix: nothing. Where calls suffer then, look at the network that the device changed to.

use crate::engine::turn::TurnAllocation;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TUR015",
    name: "client-moved",
    severity: Severity::Info,
    rfc: "RFC 8016",
    section: "3.2",
    source: include_str!("tur015.rs"),
    flags: &[
        "0 A:4000>B:3478 stun request id=1 method=3 ticket=
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600 ticket=0102
         100 C:4444>B:3478 stun request id=2 method=4 lifetime=600 ticket=0102
         105 B:3478>C:4444 stun success id=2 method=4 lifetime=600 ticket=0304",
    ],
    accepts: &[
        // From where it always was.
        "0 A:4000>B:3478 stun request id=1 method=3 ticket=
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600 ticket=0102
         100 A:4000>B:3478 stun request id=2 method=4 lifetime=600 ticket=0102
         105 B:3478>A:4000 stun success id=2 method=4 lifetime=600 ticket=0304",
        // With a ticket that is none any more, and one that the server refuses.
        "0 A:4000>B:3478 stun request id=1 method=3 ticket=
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600 ticket=0102
         50 A:4000>B:3478 stun request id=2 method=4 lifetime=600 ticket=0102
         55 B:3478>A:4000 stun success id=2 method=4 lifetime=600 ticket=0304
         100 C:4444>B:3478 stun request id=3 method=4 lifetime=600 ticket=0102
         105 B:3478>C:4444 stun success id=3 method=4 lifetime=600 ticket=0506",
        "0 A:4000>B:3478 stun request id=1 method=3 ticket=
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600 ticket=0102
         100 C:4444>B:3478 stun request id=2 method=4 lifetime=600 ticket=0102
         105 B:3478>C:4444 stun error=437 id=2 method=4",
    ],
    check: Check::Turn(check),
    ..Rule::BASE
};

fn check(allocation: &TurnAllocation, _: CaptureFacts, found: &mut Findings) {
    let [first, ..] = allocation.moves.as_slice() else {
        return;
    };
    let moves = match allocation.moves.len() {
        1 => String::new(),
        count => format!(", in {count} moves"),
    };
    found.add(
        format!(
            "the client of an allocation went from {} to {}{moves}",
            first.from, allocation.flow.src
        ),
        allocation.moves.iter().map(|own| own.at),
    );
}
