//! A relay gets packets for a peer, and none comes back.
//!
//! The permission may be for another address than the one that the peer sends from, or the
//! peer never hears what is sent.
//!
//! Fix: hold the permissions of the record against the address that the peer sends from.

use crate::engine::turn::{Relayed, TurnAllocation};
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "TUR010",
    name: "no-data-through-relay",
    severity: Severity::Warning,
    rfc: "RFC 8656",
    section: "11",
    source: include_str!("tur010.rs"),
    flags: &["0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         30 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         35 B:3478>A:4000 stun success id=3 method=9
         x20/1 100 A:4000>B:3478 octets hex=4000000401020304
         9000 A:4000>B:3478 stun request id=4 method=4 lifetime=600
         9005 B:3478>A:4000 stun success id=4 method=4 lifetime=600"],
    accepts: &[
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         30 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         35 B:3478>A:4000 stun success id=3 method=9
         x20/1 100 A:4000>B:3478 octets hex=4000000401020304
         130 B:3478>A:4000 octets hex=4000000401020304
         9000 A:4000>B:3478 stun request id=4 method=4 lifetime=600
         9005 B:3478>A:4000 stun success id=4 method=4 lifetime=600",
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         30 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         35 B:3478>A:4000 stun success id=3 method=9
         x20/1 100 A:4000>B:3478 octets hex=4000000401020304
         10000 A>B crlf",
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         30 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         35 B:3478>A:4000 stun success id=3 method=9
         100 A:4000>B:3478 octets hex=4000000401020304
         9000 A:4000>B:3478 stun request id=4 method=4 lifetime=600
         9005 B:3478>A:4000 stun success id=4 method=4 lifetime=600",
    ],
    check: Check::Turn(check),
    ..Rule::BASE
};

/// Fewer packets may be checks of ICE, most of which come to nothing.
const MIN_PACKETS: u64 = 20;
/// How long an answer is waited for.
const PATIENCE_NS: i64 = 5 * SECOND;

fn check(allocation: &TurnAllocation, _: CaptureFacts, found: &mut Findings) {
    let of = |own: &Relayed| own.indications + own.channel;
    let (sent, came) = (of(&allocation.to_peers), of(&allocation.from_peers));
    // Where the server is heard to answer later, what it passes on would be heard too.
    let heard = allocation.answered.zip(allocation.to_peers.first);
    let is_heard = heard.is_some_and(|(answered, first)| answered.since(first) > PATIENCE_NS);
    if sent >= MIN_PACKETS && came == 0 && is_heard {
        found.add(
            format!(
                "{} sends {sent} packets through {}, and none comes back",
                allocation.flow.src, allocation.flow.dst
            ),
            [allocation.first],
        );
        found.by(allocation.flow.src.ip.to_string());
    }
}
