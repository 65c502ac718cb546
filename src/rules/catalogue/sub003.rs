//! A notification does not say how the subscription stands.
//!
//! Subscription-State says active, pending or terminated; without it the subscriber can't
//! tell whether more will come.
//!
//! Fix: add Subscription-State.

use crate::rules::message::has;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SUB003",
    name: "notify-no-subscription-state",
    severity: Severity::Error,
    rfc: "RFC 6665",
    section: "8.2.3",
    source: include_str!("sub003.rs"),
    flags: &["0 B>A NOTIFY tag=t to=f header=Event:_presence"],
    accepts: &[
        "0 B>A NOTIFY tag=t to=f header=Event:_presence header=Subscription-State:_active;expires=60",
        "0 B>A NOTIFY header=Event:_message-summary",
    ],
    needs: Needs::methods(&[Method::Subscribe, Method::Notify, Method::Refer]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    // Outside any dialog NOTIFY is what old exchanges send to say that mail waits.
    for message in context
        .requests(&Method::Notify)
        .filter(|own| own.is_original && own.is_entire() && own.is_inside())
    {
        if !has(&message.sip, HeaderName::SubscriptionState) {
            found.message(
                message,
                format!("{} has no Subscription-State", message.told()),
            );
            return;
        }
    }
}
