//! An INVITE was answered by more than one device.
//!
//! A proxy forked it. Each device makes a dialog of its own; all but one must end.
//!
//! Fix: nothing, if that is wanted.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN045",
    name: "forked-invite",
    severity: Severity::Info,
    rfc: "RFC 3261",
    section: "13.2.2.4",
    source: include_str!("txn045.rs"),
    flags: &["0 A>B INVITE
         5 B>A 180 to=t
         6 B>A 180 to=u"],
    accepts: &[
        "0 A>B INVITE
         5 B>A 180 to=t
         6 B>A 183 to=t",
        // Each side counts for itself.
        "0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000
         6 A>B ACK branch=2 to=t
         100 B>A INVITE tag=t to=f branch=3 sdp=5000/sendonly
         105 A>B 200 tag=t to=f branch=3 sdp=4000/recvonly
         106 B>A ACK tag=t to=f branch=4",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for exchange in context.attempts() {
        let mut tags: Vec<&[u8]> = Vec::new();
        for (status, own) in context.responses() {
            let counts = (101..300).contains(&status)
                && own.method == Method::Invite
                && own.cseq == Some(exchange.cseq)
                && own.from_tag == exchange.from_tag.as_bytes();
            if counts && !own.to_tag.is_empty() && !tags.contains(&own.to_tag) {
                tags.push(own.to_tag);
            }
        }
        if tags.len() > 1 {
            found.add(
                format!("{} devices answered the INVITE", tags.len()),
                [exchange.first],
            );
        }
    }
}
