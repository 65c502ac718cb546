//! The report on a transfer can't be read.
//!
//! A NOTIFY for a REFER carries the status line that the transfer met, as message/sipfrag,
//! and says whether more will come.
//!
//! Fix: send Content-Type: message/sipfrag;version=2.0, a body that begins with SIP/2.0,
//! and a Subscription-State.

use crate::octets;
use crate::rules::message::has;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "DLG031",
    name: "refer-notify-body",
    severity: Severity::Warning,
    rfc: "RFC 3515",
    section: "2.4.5",
    source: include_str!("dlg031.rs"),
    flags: &[
        "0 B>A NOTIFY tag=t to=f header=Event:_refer header=Subscription-State:_active body=100 header=Content-Type:_text/plain",
    ],
    accepts: &[
        "0 B>A NOTIFY tag=t to=f header=Event:_refer header=Subscription-State:_active body=SIP/2.0_100_Trying header=Content-Type:_message/sipfrag;version=2.0",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Notify)
        .filter(|own| own.is_original && own.is_entire())
    {
        let event = message.value(HeaderName::Event).unwrap_or_default();
        let name =
            octets::span(event, 0, memchr::memchr(b';', event).unwrap_or(event.len())).trim_ascii();
        if !name.eq_ignore_ascii_case(b"refer") {
            continue;
        }
        let fault = match message.sip.body_of_type("message/sipfrag") {
            None => "has no message/sipfrag",
            Some(body) if !body.starts_with(b"SIP/2.0 ") => "does not begin with a status line",
            Some(_) if !has(&message.sip, HeaderName::SubscriptionState) => {
                "has no Subscription-State"
            }
            Some(_) => continue,
        };
        found.quote(
            message,
            event,
            format!("{} on a transfer {fault}", message.told()),
        );
    }
}
