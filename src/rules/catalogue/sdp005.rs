//! The origin of a side's session descriptions changed inside one dialog.
//!
//! User, session and address of o= stay the same; only the version moves. A B2BUA that
//! passes the other leg's o= on does this, and some devices refuse the offer.
//!
//! Fix: let the B2BUA write an origin of its own for each leg.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP005",
    name: "origin-changed",
    severity: Severity::Warning,
    rfc: "RFC 3264",
    section: "8",
    source: include_str!("sdp005.rs"),
    flags: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000
         6 A>B ACK to=t branch=2
         900 A>B INVITE to=t cseq=2 branch=3 sdp=4000 swap=o=-_1=>o=-_77"],
    accepts: &["0 A>B INVITE sdp=4000
         5 B>A 200 to=t sdp=5000
         6 A>B ACK to=t branch=2
         900 A>B INVITE to=t cseq=2 branch=3 sdp=4002"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for case in context.renewals() {
        let settled = case.message.is_inside()
            || (!case.message.is_request() && case.earlier.cseq != case.message.cseq);
        let (before, now) = (case.before.origin_words(), case.description.origin_words());
        if settled && before.get(1) != now.get(1) && before.len() == 6 && now.len() == 6 {
            let part = case.description.origin().unwrap_or_default();
            found.quote(
                case.message,
                part,
                format!(
                    "{} has another session in its origin than before",
                    case.message.told()
                ),
            );
            found.also(case.earlier.at());
            return;
        }
    }
}
