//! A notification is about something else than what was subscribed to.
//!
//! Event of the NOTIFY repeats package and id of the SUBSCRIBE; the subscriber does not
//! know this one.
//!
//! Fix: echo Event with its id.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Message, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::sip::header::parameter;

pub(super) const RULE: Rule = Rule {
    code: "SUB009",
    name: "event-id-mismatch",
    severity: Severity::Warning,
    rfc: "RFC 6665",
    section: "8.2.1",
    source: include_str!("sub009.rs"),
    flags: &["0 A>B SUBSCRIBE header=Event:_presence;id=7 header=Expires:_60
         1 B>A 200 to=t method=SUBSCRIBE header=Expires:_60
         9 B>A NOTIFY tag=t to=f branch=n header=Event:_presence header=Subscription-State:_active"],
    accepts: &["0 A>B SUBSCRIBE header=Event:_presence;id=7 header=Expires:_60
         1 B>A 200 to=t method=SUBSCRIBE header=Expires:_60
         9 B>A NOTIFY tag=t to=f branch=n header=Event:_presence;id=7 header=Subscription-State:_active"],
    needs: Needs::methods(&[Method::Subscribe, Method::Notify, Method::Refer]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let key = |own: &Message<'_>| {
        let value = own.value(HeaderName::Event)?;
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        Some((
            octets::text(octets::span(value, 0, end).trim_ascii()),
            parameter(octets::from(value, end), "id").map(octets::text),
        ))
    };
    for notify in context
        .requests(&Method::Notify)
        .filter(|own| own.is_original && own.is_inside())
    {
        let of_dialog =
            |own: &&Message<'_>| own.from_tag == notify.to_tag && own.when() < notify.when();
        let asked: Vec<_> = context
            .requests(&Method::Subscribe)
            .filter(of_dialog)
            .filter_map(key)
            .collect();
        let refers = context
            .requests(&Method::Refer)
            .any(|own| own.from_tag == notify.to_tag);
        if !asked.is_empty() && !refers && key(notify).is_some_and(|own| !asked.contains(&own)) {
            let value = notify.value(HeaderName::Event).unwrap_or_default();
            found.quote(
                notify,
                value,
                format!("{} is about what nobody subscribed to", notify.told()),
            );
            return;
        }
    }
}
