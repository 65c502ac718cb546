//! A subscription or its notification does not say what it is about.
//!
//! Both carry exactly one Event; without it they are answered 489.
//!
//! Fix: add Event with the package, as presence or message-summary.

use crate::rules::message::has;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SUB001",
    name: "event-missing",
    severity: Severity::Error,
    rfc: "RFC 6665",
    section: "8.2.1",
    source: include_str!("sub001.rs"),
    flags: &[
        "0 A>B SUBSCRIBE",
        "0 B>A NOTIFY tag=t to=f header=Subscription-State:_active",
    ],
    accepts: &["0 A>B SUBSCRIBE header=o:_presence"],
    needs: Needs::methods(&[Method::Subscribe, Method::Notify, Method::Refer]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .originals()
        .filter(|own| own.is_request() && own.is_entire())
    {
        let needs = matches!(message.method, Method::Subscribe | Method::Notify);
        if needs && !has(&message.sip, HeaderName::Event) {
            found.message(message, format!("{} has no Event", message.told()));
            return;
        }
    }
}
