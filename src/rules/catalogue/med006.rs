//! Packets of a stream come twice.
//!
//! A port that is mirrored in both directions shows them so in the capture; else a loop in
//! the network doubles them.
//!
//! Fix: look at how the capture was made first.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED006",
    name: "duplicate-packets",
    severity: Severity::Warning,
    rfc: "RFC 3550",
    section: "6.4.1",
    source: include_str!("med006.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=200 double=20"],
    accepts: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=199 double=150"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for stream in &context.closed.streams {
        let report = stream.report();
        if stream.packets >= 100
            && report.duplicates * 100 >= stream.packets
            && stream.membership.is_some()
        {
            found.add(
                format!(
                    "{} packets from {} to {} came twice",
                    report.duplicates, stream.flow.src, stream.flow.dst
                ),
                [stream.first],
            );
        }
    }
}
