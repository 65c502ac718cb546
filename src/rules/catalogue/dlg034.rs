//! A 183 says that the session makes progress and describes none.
//!
//! 183 without a session description gives the caller neither a ringing tone of its own nor
//! one from the far end.
//!
//! Fix: send 180, or put a session description into the 183.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "DLG034",
    name: "early-media-no-sdp",
    severity: Severity::Info,
    rfc: "RFC 3960",
    section: "3",
    source: include_str!("dlg034.rs"),
    flags: &["0 A>B INVITE sdp=4000
         5 B>A 183 to=t"],
    accepts: &["0 A>B INVITE sdp=4000
         5 B>A 183 to=t sdp=5000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context
        .responses()
        .filter(|(_, own)| own.is_original && own.is_entire())
    {
        if status == 183
            && message.method == Method::Invite
            && message.sdp.is_none()
            && message.sip.body().is_empty()
        {
            found.message(
                message,
                format!("{} has no session description", message.told()),
            );
            return;
        }
    }
}
