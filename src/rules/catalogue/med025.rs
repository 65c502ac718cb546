//! Nobody listens where media were to be sent to.
//!
//! The host answers each packet with an ICMP error: the phone closed its port, or named one
//! that it does not use.
//!
//! Fix: compare the port of the session description with the one that the phone uses; a
//! phone that was restarted, or a media relay that is not running, does this.

use crate::engine::rtp_stream::Association;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "MED025",
    name: "icmp-on-media",
    severity: Severity::Warning,
    rfc: "RFC 3264",
    section: "6",
    symptom: Some("one-way-audio"),
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
         40 A:4000>B:5000 rtp n=150
         60 B:5000>A:4000 icmp
         80 B:5000>A:4000 icmp
         6000 A>B BYE to=t branch=9 cseq=2
         6001 B>A 200 to=t branch=9 cseq=2 method=BYE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for stream in &context.closed.streams {
        let Some(member) = stream.membership else {
            continue;
        };
        let lasted = stream.last.since(stream.first.timestamp);
        if stream.icmp_errors >= 3 && lasted >= SECOND && member.association != Association::Ice {
            found.add(
                format!(
                    "{} packets to {} were answered by ICMP: nobody listens there",
                    stream.icmp_errors, stream.flow.dst
                ),
                [stream.first],
            );
            found.by(member.to.name());
        }
    }
}
