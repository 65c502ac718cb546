//! What is relayed comes in IP fragments.
//!
//! A relay adds its own octets to each packet: what fitted a network before may not fit it any
//! more. Many firewalls and NATs drop fragments, and one that is lost costs the whole packet.
//!
//! Fix: let the client send smaller packets, or bind channels, which add 4 octets instead of 36;
//! a path that carries less than 1500 octets shows in the tunnel or the access line.

use crate::engine::turn::TurnAllocation;
use crate::rules::{CaptureFacts, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TUR012",
    name: "relay-fragments",
    severity: Severity::Info,
    rfc: "RFC 8656",
    section: "3.7",
    source: include_str!("tur012.rs"),
    flags: &[
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         100 A:4000>B:3478 octets hex=4000001001020304010203040102030401020304 fragment=16",
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=2 method=8 peer=C:5000
         25 B:3478>A:4000 stun success id=2 method=8
         100 A:4000>B:3478 octets hex=001600142112a442010101010101010101010101001200080001329a2b12a4410013000401020304 fragment=24",
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         100 B:3478>A:4000 octets hex=4000001001020304010203040102030401020304 fragment=16",
    ],
    accepts: &[
        "0 A:4000>B:3478 stun request id=1 method=3
         5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600
         20 A:4000>B:3478 stun request id=3 method=9 channel=16384 peer=C:5000
         25 B:3478>A:4000 stun success id=3 method=9
         100 A:4000>B:3478 octets hex=4000001001020304010203040102030401020304
         120 B:3478>A:4000 octets hex=4000001001020304010203040102030401020304",
    ],
    check: Check::Turn(check),
    ..Rule::BASE
};

fn check(allocation: &TurnAllocation, _: CaptureFacts, found: &mut Findings) {
    let (client, server) = (allocation.flow.src, allocation.flow.dst);
    for (relayed, from, to) in [
        (allocation.to_peers, client, server),
        (allocation.from_peers, server, client),
    ] {
        if let Some((at, count)) = relayed.fragmented {
            let total = relayed.indications + relayed.channel;
            found.add(
                format!(
                    "{count} of the {total} packets that {from} relays to {to} came in IP fragments"
                ),
                [at],
            );
            found.by(from.ip.to_string());
        }
    }
}
