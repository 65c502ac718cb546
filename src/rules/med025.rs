//! Media met a port that nobody listens at.
//!
//! ICMP errors quote the packets of a stream while the call stood: the receiver has
//! closed its socket, or listens elsewhere than it said.
//!
//! Fix: compare the port in the session description with the one the receiver opened;
//! an ALG that rewrites one of them has the same effect.

use super::{CallContext, Check, Findings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "MED025",
    name: "icmp-on-media",
    severity: Severity::Warning,
    rfc: "",
    section: "",
    causes: &["MED015"],
    source: include_str!("med025.rs"),
    flags: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=150
         60 B:5000>A:4000 icmp
         80 B:5000>A:4000 icmp
         100 B:5000>A:4000 icmp
         6000 A>B BYE to=t branch=9 cseq=2
         6001 B>A 200 to=t branch=9 cseq=2 method=BYE"],
    accepts: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         3000 A>B BYE to=t branch=9 cseq=2
         3001 B>A 200 to=t branch=9 cseq=2 method=BYE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for media in &context.media {
        if media.icmp_errors >= 3 && media.lasted_ns >= SECOND {
            found.add(
                format!("{} ICMP errors quote its {}", media.icmp_errors, media.kind),
                context.attempts().next().map(|invite| invite.first),
            );
        }
    }
}
