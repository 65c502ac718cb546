//! A client leaves its allocation to its lifetime.
//!
//! Whoever is done with a relay gives it back with a Refresh of lifetime 0. Else its port stays
//! taken, and what the server counts against the user's quota with it: calls in quick succession
//! are then refused with 486.
//!
//! Fix: let the client send a Refresh with lifetime 0 when the call ends, also when the nonce is
//! stale and it has to be sent twice.

use crate::engine::turn::TurnAllocation;
use crate::net::Transport;
use crate::rules::ice::seconds;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TUR013",
    name: "allocation-not-released",
    severity: Severity::Info,
    rfc: "RFC 8656",
    section: "8",
    source: include_str!("tur013.rs"),
    flags: &[
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         600100 E:5000>F:5000 octets hex=ff00",
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         300000 A:4000>B:3478 stun request id=2 method=4 lifetime=600
         300005 B:3478>A:4000 stun success id=2 method=4 lifetime=600
         900100 E:5000>F:5000 octets hex=ff00",
    ],
    accepts: &[
        // The capture ends before the allocation does.
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         600000 E:5000>F:5000 octets hex=ff00",
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         9000 A:4000>B:3478 stun request id=2 method=4 lifetime=0
         9005 B:3478>A:4000 stun success id=2 method=4 lifetime=0
         700000 E:5000>F:5000 octets hex=ff00",
        // It wanted to.
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         9000 A:4000>B:3478 stun request id=2 method=4 lifetime=0
         9005 B:3478>A:4000 stun error=438 id=2 method=4
         700000 E:5000>F:5000 octets hex=ff00",
        // A connection that closes takes its allocation with it.
        "0 A:4000>B:3478 stun request id=1 method=3 over=tcp
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600 over=tcp
         700000 E:5000>F:5000 octets hex=ff00",
        // Used after its time: another rule speaks of that.
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         650000 A:4000>B:3478 stun request id=2 method=4 lifetime=600
         700000 E:5000>F:5000 octets hex=ff00",
    ],
    check: Check::Turn(check),
    ..Rule::BASE
};

fn check(allocation: &TurnAllocation, capture: CaptureFacts, found: &mut Findings) {
    let ends = allocation.ends();
    let is_left = allocation.is_active()
        && !allocation.is_given_back
        && allocation.flow.transport == Transport::Udp
        && allocation.last <= ends
        && capture.until > ends;
    if is_left {
        found.add(
            format!(
                "{} never gave its allocation back; it was last heard of {:.0} s before its time was over",
                allocation.flow.src,
                seconds(ends.since(allocation.last)),
            ),
            [allocation.first],
        );
        found.by(allocation.flow.src.ip.to_string());
    }
}
