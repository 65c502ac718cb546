//! Packets of a stream passed one capture point and are missing at the next.
//!
//! They were lost between the two, whatever the receiver reports: a firewall, a full link, or
//! a NAT that forgot its mapping.
//!
//! Fix: look between the two capture points; what is lost before the first is another matter.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED065",
    name: "media-lost-between-points",
    severity: Severity::Warning,
    causes: &["MED005"],
    source: include_str!("med065.rs"),
    flags: &["0 A>B INVITE sdp=4000 id=40 at=0 ttl=64
         1 A>B INVITE sdp=4000 id=40 at=1 ttl=63
         20 B>A 200 to=t sdp=5000 id=41 at=0 ttl=64
         21 B>A 200 to=t sdp=5000 id=41 at=1 ttl=63
         30 A>B ACK branch=2 to=t id=42 at=0 ttl=64
         31 A>B ACK branch=2 to=t id=42 at=1 ttl=63
         100 A:4000>B:5000 rtp n=300 at=0 ttl=64
         101 A:4000>B:5000 rtp n=300 at=1 ttl=63 skip=20"],
    accepts: &[
        "0 A>B INVITE sdp=4000 id=40 at=0 ttl=64
         1 A>B INVITE sdp=4000 id=40 at=1 ttl=63
         20 B>A 200 to=t sdp=5000 id=41 at=0 ttl=64
         21 B>A 200 to=t sdp=5000 id=41 at=1 ttl=63
         30 A>B ACK branch=2 to=t id=42 at=0 ttl=64
         31 A>B ACK branch=2 to=t id=42 at=1 ttl=63
         100 A:4000>B:5000 rtp n=300 at=0 ttl=64
         101 A:4000>B:5000 rtp n=300 at=1 ttl=63",
        "0 A>B INVITE sdp=4000 id=40 at=0 ttl=64
         1 A>B INVITE sdp=4000 id=40 at=1 ttl=63
         20 B>A 200 to=t sdp=5000 id=41 at=0 ttl=64
         21 B>A 200 to=t sdp=5000 id=41 at=1 ttl=63
         30 A>B ACK branch=2 to=t id=42 at=0 ttl=64
         31 A>B ACK branch=2 to=t id=42 at=1 ttl=63
         100 A:4000>B:5000 rtp n=300 at=0 ttl=64 skip=20
         101 A:4000>B:5000 rtp n=300 at=1 ttl=63 skip=20",
        "0 A>B INVITE sdp=4000 id=40 at=0 ttl=64
         1 A>B INVITE sdp=4000 id=40 at=1 ttl=63
         20 B>A 200 to=t sdp=5000 id=41 at=0 ttl=64
         21 B>A 200 to=t sdp=5000 id=41 at=1 ttl=63
         30 A>B ACK branch=2 to=t id=42 at=0 ttl=64
         31 A>B ACK branch=2 to=t id=42 at=1 ttl=63
         100 A:4000>B:5000 rtp n=300 at=0 ttl=64 skip=20
         101 A:4000>B:5000 rtp n=300 at=1 ttl=63",
        "0 A>B INVITE sdp=4000 id=40 at=0 ttl=64
         1 A>B INVITE sdp=4000 id=40 at=1 ttl=63
         20 B>A 200 to=t sdp=5000 id=41 at=0 ttl=64
         21 B>A 200 to=t sdp=5000 id=41 at=1 ttl=63
         30 A>B ACK branch=2 to=t id=42 at=0 ttl=64
         31 A>B ACK branch=2 to=t id=42 at=1 ttl=63
         100 A:4000>B:5000 rtp n=300 at=0 ttl=64
         101 A:4000>B:5000 rtp n=300 at=1 ttl=63 skip=150",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

/// Fewer in a hundred are not heard.
const MIN_PERCENT: u64 = 1;

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let streams = &context.closed.streams;
    let stream = |serial: u64| streams.iter().find(|own| own.serial == serial);
    for passage in context.closed.passages() {
        for (near, far, lost) in &passage.lossy {
            let (Some(near), Some(far)) = (stream(*near), stream(*far)) else {
                continue;
            };
            let expected = near.report().expected;
            if lost * 100 < expected * MIN_PERCENT {
                continue;
            }
            let share = *lost as f64 * 100.0 / expected as f64;
            found.add(
                format!(
                    "{lost} of {expected} packets ({share:.1} %) from {} to {} passed one capture \
                     point and are missing at the next",
                    near.flow.src, near.flow.dst
                ),
                [near.first, far.first],
            );
        }
    }
}
