//! Packets of a stream are missing.
//!
//! From one in a hundred on it can be heard, from one in twenty on speech suffers.
//!
//! Fix: find the point from which on they are missing: compare capture points and the
//! reports of the receiver; look at Wi-Fi, at full links and at marking (EF).

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED005",
    name: "packet-loss",
    severity: Severity::Warning,
    rfc: "RFC 3550",
    section: "6.4.1",
    source: include_str!("med005.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=200 skip=20"],
    accepts: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=199 skip=150"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for stream in &context.closed.streams {
        let report = stream.report();
        // Where the receiver got all of them, or hardly any is there, the capture
        // lost them.
        let arrived = report.lost * 2 > report.expected
            || (stream.far_end.reports > 0 && stream.far_end.cumulative_lost <= 0);
        if report.expected >= 100
            && report.lost * 100 >= report.expected
            && stream.membership.is_some()
            && !arrived
        {
            let share = report.lost as f64 * 100.0 / report.expected as f64;
            found.add(
                format!(
                    "{} of {} packets ({share:.1} %) from {} to {} are missing",
                    report.lost, report.expected, stream.flow.src, stream.flow.dst
                ),
                [stream.first],
            );
        }
    }
}
