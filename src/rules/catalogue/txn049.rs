//! A SIP message passed one capture point and never reached the next.
//!
//! What went the same way before and after passed both, so that it was lost between them: a
//! firewall took it, a link was full, or it was too long for one packet.
//!
//! Fix: look between the two capture points, first for fragments that are dropped there.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TXN049",
    name: "message-lost-between-points",
    severity: Severity::Warning,
    source: include_str!("txn049.rs"),
    flags: &["0 A>B INVITE sdp=4000 id=40 at=0 ttl=64
         1 A>B INVITE sdp=4000 id=40 at=1 ttl=63
         3000 A>B INFO branch=5 cseq=2 to=t id=41 at=0 ttl=64
         6000 A>B INFO branch=6 cseq=3 to=t id=42 at=0 ttl=64
         6001 A>B INFO branch=6 cseq=3 to=t id=42 at=1 ttl=63
         9000 A>B BYE branch=7 cseq=4 to=t id=43 at=0 ttl=64
         9001 A>B BYE branch=7 cseq=4 to=t id=43 at=1 ttl=63"],
    accepts: &[
        "0 A>B INVITE sdp=4000 id=40 at=0 ttl=64
         1 A>B INVITE sdp=4000 id=40 at=1 ttl=63
         3000 A>B INFO branch=5 cseq=2 to=t id=41 at=0 ttl=64
         3001 A>B INFO branch=5 cseq=2 to=t id=41 at=1 ttl=63
         6000 A>B INFO branch=6 cseq=3 to=t id=42 at=0 ttl=64
         6001 A>B INFO branch=6 cseq=3 to=t id=42 at=1 ttl=63
         9000 A>B BYE branch=7 cseq=4 to=t id=43 at=0 ttl=64
         9001 A>B BYE branch=7 cseq=4 to=t id=43 at=1 ttl=63",
        "0 A>B INVITE sdp=4000 id=40 at=0 ttl=64
         3000 A>B INFO branch=5 cseq=2 to=t id=41 at=0 ttl=64
         3001 A>B INFO branch=5 cseq=2 to=t id=41 at=1 ttl=63
         6000 A>B INFO branch=6 cseq=3 to=t id=42 at=0 ttl=64
         6001 A>B INFO branch=6 cseq=3 to=t id=42 at=1 ttl=63
         9000 A>B BYE branch=7 cseq=4 to=t id=43 at=0 ttl=64
         9001 A>B BYE branch=7 cseq=4 to=t id=43 at=1 ttl=63",
        "0 A>B INVITE sdp=4000 id=40 at=0 ttl=64
         1 A>B INVITE sdp=4000 id=40 at=1 ttl=63
         3000 A>B INFO branch=5 cseq=2 to=t id=41 at=0 ttl=64
         3001 A>B INFO branch=5 cseq=2 to=t id=41 at=1 ttl=63
         6000 A>B INFO branch=6 cseq=3 to=t id=42 at=0 ttl=64
         6001 A>B INFO branch=6 cseq=3 to=t id=42 at=1 ttl=63
         9000 A>B BYE branch=7 cseq=4 to=t id=43 at=0 ttl=64",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for passage in context.closed.passages() {
        for (at, origin) in &passage.lost {
            let message = context.messages.iter().find(|own| own.at() == *origin);
            let (told, is_long) = message.map_or(("a message".to_owned(), false), |own| {
                (own.told(), own.packets() > 1)
            });
            let long = if is_long { ", in fragments," } else { "" };
            found.add(
                format!("{told}{long} passed a capture point and never reached the next"),
                [*at],
            );
            if let Some(message) = message {
                found.by(message.flow().src.ip.to_string());
            }
        }
    }
}
