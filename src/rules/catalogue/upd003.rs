//! An UPDATE is sent to a side that does not list it in Allow.
//!
//! It is refused with 405 or 501, and the session or its timer is not renewed.
//!
//! Fix: use a re-INVITE with that side.

use crate::rules::message::has;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "UPD003",
    name: "update-not-allowed",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "20.5",
    source: include_str!("upd003.rs"),
    flags: &["0 A>B INVITE
         5 B>A 200 to=t header=Allow:_INVITE,ACK,BYE,CANCEL
         6 A>B ACK to=t branch=2
         900 A>B UPDATE to=t cseq=2 branch=3"],
    accepts: &["0 A>B INVITE
         5 B>A 200 to=t header=Allow:_INVITE,ACK,BYE,CANCEL,UPDATE
         6 A>B ACK to=t branch=2
         900 A>B UPDATE to=t cseq=2 branch=3"],
    needs: Needs::methods(&[Method::Update]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Update)
        .filter(|own| own.is_original && own.is_inside())
    {
        let allow = context.messages.iter().rfind(|own| {
            own.when() < message.when()
                && CallContext::own_tag(own) == message.to_tag
                && has(&own.sip, HeaderName::Allow)
        });
        if let Some(allow) = allow.filter(|own| !own.lists(HeaderName::Allow, "UPDATE")) {
            found.message(
                message,
                format!("{} goes to a side that does not allow it", message.told()),
            );
            found.also(allow.at());
            return;
        }
    }
}
