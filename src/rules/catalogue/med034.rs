//! A sender goes on after it said goodbye in RTCP.
//!
//! A BYE ends a source: receivers forget it, and packets with its number that come later are of
//! nobody. A relay that uses a number again, or a sender that says goodbye on hold, is behind it.
//!
//! Fix: let the sender take a new SSRC when it begins again, and say goodbye only when it is done.

use crate::rules::ice::seconds;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "MED034",
    name: "rtcp-bye-continues",
    severity: Severity::Warning,
    rfc: "RFC 3550",
    section: "6.6",
    source: include_str!("med034.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=150
         500 A:4001>B:5001 octets hex=80c9000100000fa781cb000100000fa7"],
    accepts: &[
        // What is still on its way.
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=150
         2100 A:4001>B:5001 octets hex=80c9000100000fa781cb000100000fa7",
        "0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=150
         500 A:4001>B:5001 octets hex=80c9000100000fa781ca000100000fa7",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

/// What comes sooner was on its way.
const LATE_NS: i64 = SECOND;

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for stream in &context.closed.streams {
        let said = stream.said.as_ref().and_then(|own| own.left);
        let after = said.map(|left| stream.last.since(left));
        if let Some(after) = after.filter(|after| *after > LATE_NS) {
            found.add(
                format!(
                    "{} said goodbye to {} and went on for {:.1} s",
                    stream.flow.src,
                    stream.flow.dst,
                    seconds(after)
                ),
                [stream.first],
            );
            found.by(stream.flow.src.ip.to_string());
        }
    }
}
