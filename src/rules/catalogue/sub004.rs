//! The answer to a subscription does not say how long it lasts, or longer than was asked.
//!
//! The subscriber can't know when to refresh.
//!
//! Fix: let the notifier send Expires, at most what was asked for.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SUB004",
    name: "subscribe-2xx-expires",
    severity: Severity::Error,
    rfc: "RFC 6665",
    section: "4.2.1.1",
    source: include_str!("sub004.rs"),
    flags: &[
        "0 A>B SUBSCRIBE header=Event:_presence header=Expires:_600
         1 B>A 200 to=t method=SUBSCRIBE",
        "0 A>B SUBSCRIBE header=Event:_presence header=Expires:_600
         1 B>A 200 to=t method=SUBSCRIBE header=Expires:_601",
    ],
    accepts: &["0 A>B SUBSCRIBE header=Event:_presence header=Expires:_600
         1 B>A 200 to=t method=SUBSCRIBE header=Expires:_600"],
    needs: Needs::methods(&[Method::Subscribe, Method::Notify, Method::Refer]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, response, request) in context.answered().filter(|(_, own, _)| {
        own.is_success(&Method::Subscribe) && own.is_original && own.is_entire()
    }) {
        let fault = match (
            request.number(HeaderName::Expires),
            response.number(HeaderName::Expires),
        ) {
            (_, None) => "does not say how long the subscription lasts",
            (Some(asked), Some(granted)) if granted > asked => {
                "grants more time than was asked for"
            }
            _ => continue,
        };
        found.message(response, format!("{} {fault}", response.told()));
        return;
    }
}
