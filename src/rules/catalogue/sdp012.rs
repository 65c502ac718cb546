//! The answer differs from what was said while it rang.
//!
//! Without PRACK a description in a 18x is a preview of the one in the 200: it must be the
//! same. The caller may stay with the first.
//!
//! Fix: send the same description again, or change it by UPDATE after PRACK.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "SDP012",
    name: "sdp-200-differs-from-18x",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "13.2.1",
    source: include_str!("sdp012.rs"),
    flags: &["0 A>B INVITE sdp=4000
         5 B>A 183 to=t sdp=5000
         9 B>A 200 to=t sdp=5002"],
    accepts: &[
        "0 A>B INVITE sdp=4000
         5 B>A 183 to=t sdp=5000
         9 B>A 200 to=t sdp=5000",
        "0 A>B INVITE sdp=4000
         5 B>A 183 to=t sdp=5000
         9 B>A 200 to=u sdp=5002",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for case in context.renewals() {
        let preview = case
            .earlier
            .status
            .is_some_and(|status| (101..200).contains(&status))
            && case.earlier.cseq == case.message.cseq;
        let changed = case.before.without_origin() != case.description.without_origin();
        let agreed = context
            .messages
            .iter()
            .any(|own| matches!(own.method, Method::Prack | Method::Update));
        if preview && changed && case.message.is_success(&Method::Invite) && !agreed {
            found.message(
                case.message,
                format!(
                    "{} describes other media than {} did",
                    case.message.told(),
                    case.earlier.called()
                ),
            );
            found.also(case.earlier.at());
            return;
        }
    }
}
