//! A subscription was accepted and no notification came.
//!
//! The first NOTIFY follows at once. It was sent to an address behind a NAT, or past the
//! proxy.
//!
//! Fix: see where the notifier sends: the Contact of the SUBSCRIBE, along its Record-Route.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SUB002",
    name: "no-initial-notify",
    severity: Severity::Warning,
    rfc: "RFC 6665",
    section: "4.2.1.2",
    source: include_str!("sub002.rs"),
    flags: &["0 A>B SUBSCRIBE header=Event:_presence header=Expires:_600
         1 B>A 200 to=t method=SUBSCRIBE header=Expires:_600
         40000 C>D OPTIONS call=later tag=o branch=o"],
    accepts: &["0 A>B SUBSCRIBE header=Event:_presence header=Expires:_600
         1 B>A 200 to=t method=SUBSCRIBE header=Expires:_600
         9 B>A NOTIFY tag=t to=f branch=n header=Event:_presence header=Subscription-State:_active
         40000 C>D OPTIONS call=later tag=o branch=o"],
    needs: Needs::methods(&[Method::Subscribe, Method::Notify, Method::Refer]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() {
        return;
    }
    for (_, response, request) in context
        .answered()
        .filter(|(_, own, _)| own.is_success(&Method::Subscribe) && own.is_original)
    {
        let told = context.requests(&Method::Notify).next().is_some();
        let begins = !request.is_inside() && request.number(HeaderName::Expires) != Some(0);
        if begins && !told && context.timed_out(response.when()) {
            found.message(response, format!("no NOTIFY follows {}", response.told()));
            return;
        }
    }
}
