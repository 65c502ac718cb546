//! Media go on after the call was hung up.
//!
//! A side or a relay has not noticed the end; the port it uses may belong to the next call.
//!
//! Fix: let BYE end the media; see whether BYE reached the side that goes on.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::time::SECOND;
use crate::time::millis;

pub(super) const RULE: Rule = Rule {
    code: "MED019",
    name: "media-after-bye",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "15",
    source: include_str!("med019.rs"),
    flags: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=400
         2000 A>B BYE to=t branch=9 cseq=2
         2001 B>A 200 to=t branch=9 cseq=2 method=BYE"],
    accepts: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=100
         2000 A>B BYE to=t branch=9 cseq=2
         2001 B>A 200 to=t branch=9 cseq=2 method=BYE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let ended = context
        .responses()
        .find(|(_, own)| own.is_success(&Method::Bye))
        .map(|(_, own)| own);
    let Some(ended) = ended else { return };
    let alone = context.call().dialogs.len() == 1;
    for stream in context
        .closed
        .streams
        .iter()
        .filter(|own| own.membership.is_some() && alone)
    {
        let late = stream.last.since(ended.when());
        if late > SECOND && stream.first.timestamp < ended.when() {
            found.add(
                format!(
                    "{} sends for {:.1} s after BYE was answered",
                    stream.flow.src,
                    millis(late) / 1000.0
                ),
                [stream.first, ended.at()],
            );
            found.by(stream.flow.src.ip.to_string());
        }
    }
}
