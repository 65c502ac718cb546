//! An INVITE carries no offer.
//!
//! The callee offers in its 2xx, and the caller answers in the ACK. That is allowed; some
//! gateways can't do it.
//!
//! Fix: nothing, unless the callee refuses: then send the offer in the INVITE.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "SDP010",
    name: "late-offer",
    severity: Severity::Info,
    rfc: "RFC 3261",
    section: "13.2.1",
    source: include_str!("sdp010.rs"),
    flags: &["0 A>B INVITE"],
    accepts: &["0 A>B INVITE sdp=4000"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Invite)
        .filter(|own| own.is_original && !own.is_inside())
    {
        if message.sip.body().is_empty() && message.is_entire() {
            found.message(message, format!("{} has no offer", message.told()));
            return;
        }
    }
}
