//! A message has a body and does not say of what kind.
//!
//! Without Content-Type nobody may read it as a session description.
//!
//! Fix: the sender must add Content-Type, as application/sdp.

use crate::rules::message::has;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN012",
    name: "content-type-missing",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "20.15",
    source: include_str!("syn012.rs"),
    flags: &["0 A>B INVITE sdp=4000 without=Content-Type"],
    accepts: &["0 A>B INVITE sdp=4000
         10 B>A 180 to=t
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         3000 A>B BYE to=t branch=9 cseq=2
         3001 B>A 200 to=t branch=9 cseq=2 method=BYE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.messages.iter().filter(|own| own.is_entire()) {
        if !message.sip.body().is_empty() && !has(&message.sip, HeaderName::ContentType) {
            found.message(
                message,
                format!(
                    "{} from {} has {} octets of body of no kind",
                    message.called(),
                    message.flow().src,
                    message.sip.body().len()
                ),
            );
        }
    }
}
