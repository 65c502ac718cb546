//! A side raised the version of its session description and changed nothing.
//!
//! The other side may set its media up again for nothing; a short gap can be heard.
//!
//! Fix: raise the version only with a change.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP004",
    name: "version-incremented-no-change",
    severity: Severity::Info,
    rfc: "RFC 3264",
    section: "8",
    source: include_str!("sdp004.rs"),
    flags: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000
         6 A>B ACK to=t branch=2
         900 A>B INVITE to=t cseq=2 branch=3 sdp=4000 swap=40008=>40009"],
    accepts: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000
         6 A>B ACK to=t branch=2
         900 A>B INVITE to=t cseq=2 branch=3 sdp=4000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for case in context.renewals() {
        let (before, now) = (case.before.origin_words(), case.description.origin_words());
        let version = |parts: &[&[u8]]| parts.get(2).and_then(|own| octets::decimal(own));
        if before.get(1) == now.get(1)
            && version(&now) > version(&before)
            && case.before.without_origin() == case.description.without_origin()
        {
            let part = case.description.origin().unwrap_or_default();
            found.quote(
                case.message,
                part,
                format!(
                    "{} raises the version and changes nothing",
                    case.message.told()
                ),
            );
            return;
        }
    }
}
