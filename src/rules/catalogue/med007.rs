//! Packets of a stream overtake one another.
//!
//! A receiver with a small buffer takes the late ones for lost.
//!
//! Fix: look for links that share the load packet by packet.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED007",
    name: "reordered-packets",
    severity: Severity::Warning,
    rfc: "RFC 3550",
    section: "6.4.1",
    source: include_str!("med007.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=200 late=20"],
    accepts: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=199 late=150"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for stream in &context.closed.streams {
        let report = stream.report();
        if stream.packets >= 100
            && report.out_of_order * 100 >= stream.packets
            && stream.membership.is_some()
        {
            found.add(
                format!(
                    "{} packets from {} to {} were overtaken",
                    report.out_of_order, stream.flow.src, stream.flow.dst
                ),
                [stream.first],
            );
        }
    }
}
