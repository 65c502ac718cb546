//! A CANCEL is answered with a challenge.
//!
//! It can't be sent again with credentials, for it must have the number of its INVITE: the
//! call can't be given up.
//!
//! Fix: let the server ask for no credentials for CANCEL and ACK.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "TXN027",
    name: "cancel-challenged",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "22.1",
    source: include_str!("txn027.rs"),
    flags: &["0 A>B INVITE
         5 B>A 180 to=t
         900 A>B CANCEL
         901 B>A 401 to=t method=CANCEL header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\""],
    accepts: &["0 A>B INVITE
         5 B>A 180 to=t
         900 A>B CANCEL
         901 B>A 200 to=t method=CANCEL"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, message) in context.responses() {
        if matches!(status, 401 | 407) && message.method == Method::Cancel && message.is_original {
            found.message(
                message,
                format!("{} asks for credentials for CANCEL", message.flow().src),
            );
        }
    }
}
