//! A request inside a dialog does not take the way that the proxies asked for.
//!
//! Record-Route names the proxies that must see what follows. Without the Route made of it
//! the request passes by them: it does not get through the NAT they hold open, and the
//! call is not billed.
//!
//! Fix: keep the Record-Route of the INVITE or its 2xx, and send it as Route.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "DLG002",
    name: "route-set-not-followed",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "12.2.1.1",
    causes: &["TXN014", "DLG037"],
    source: include_str!("dlg002.rs"),
    flags: &["0 A>B INVITE
         5 B>A 200 to=t header=Record-Route:_<sip:10.0.0.2;lr>
         6 A>B ACK to=t branch=2"],
    accepts: &["0 A>B INVITE
         5 B>A 200 to=t header=Record-Route:_<sip:10.0.0.2;lr>
         6 A>B ACK to=t branch=2 header=Route:_<sip:10.0.0.2;lr>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for case in context.route_sets() {
        if case.route.is_empty() && !case.expected.is_empty() {
            let text = format!(
                "{} has no Route; Record-Route asked for {}",
                case.message.told(),
                case.expected.join(", ")
            );
            found.message(case.message, text);
        }
    }
}
