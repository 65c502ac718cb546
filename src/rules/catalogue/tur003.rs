//! A relayed address is used after its time was over.
//!
//! An allocation that nobody refreshes ends with its lifetime, 600 seconds unless another was
//! granted. What is sent then goes nowhere, and its port may be given to others.
//!
//! Fix: let the client refresh a minute before the lifetime ends.

use crate::engine::turn::TurnAllocation;
use crate::rules::ice::seconds;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "TUR003",
    name: "allocation-expired",
    severity: Severity::Error,
    rfc: "RFC 8656",
    section: "8",
    source: include_str!("tur003.rs"),
    flags: &["0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         100 A:4000>B:3478 octets hex=4000000401020304
         590000 A:4000>B:3478 stun request id=5 method=9 channel=16384 peer=C:5000
         590005 B:3478>A:4000 stun success id=5 method=9
         610000 A:4000>B:3478 octets hex=4000000401020304"],
    accepts: &[
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         100 A:4000>B:3478 octets hex=4000000401020304
         500000 A:4000>B:3478 stun request id=4 method=4 lifetime=600
         500005 B:3478>A:4000 stun success id=4 method=4 lifetime=600
         590000 A:4000>B:3478 stun request id=5 method=9 channel=16384 peer=C:5000
         590005 B:3478>A:4000 stun success id=5 method=9
         610000 A:4000>B:3478 octets hex=4000000401020304",
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         100 A:4000>B:3478 octets hex=4000000401020304",
    ],
    check: Check::Turn(check),
    ..Rule::BASE
};

fn check(allocation: &TurnAllocation, _: CaptureFacts, found: &mut Findings) {
    if !allocation.is_active() {
        return;
    }
    let late = allocation.last.since(allocation.ends());
    if late > SECOND {
        found.add(
            format!(
                "the allocation of {} is used {:.0} s after its lifetime of {} s ended",
                allocation.flow.src,
                seconds(late),
                allocation.lifetime()
            ),
            [allocation.first],
        );
        found.by(allocation.flow.src.ip.to_string());
    }
}
