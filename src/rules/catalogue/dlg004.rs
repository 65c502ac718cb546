//! A request inside a dialog takes the way of the proxies backwards.
//!
//! The caller must turn the Record-Route of the answer round; the callee takes that of the
//! INVITE as it stands.
//!
//! Fix: turn the list round at the caller alone.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "DLG004",
    name: "route-set-reversed",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "12.1.2",
    causes: &["TXN014", "DLG037"],
    source: include_str!("dlg004.rs"),
    flags: &["0 A>B INVITE
         5 B>A 200 to=t header=Record-Route:_<sip:10.0.0.8;lr>,_<sip:10.0.0.2;lr>
         6 A>B ACK to=t branch=2 header=Route:_<sip:10.0.0.8;lr>,_<sip:10.0.0.2;lr>"],
    accepts: &["0 A>B INVITE
         5 B>A 200 to=t header=Record-Route:_<sip:10.0.0.8;lr>,_<sip:10.0.0.2;lr>
         6 A>B ACK to=t branch=2 header=Route:_<sip:10.0.0.2;lr>,_<sip:10.0.0.8;lr>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for case in context.route_sets() {
        let reversed: Vec<String> = case.expected.iter().rev().cloned().collect();
        if case.route == reversed && reversed != case.expected {
            let route = case.message.value(HeaderName::Route).unwrap_or_default();
            found.quote(
                case.message,
                route,
                format!("{} has the Route backwards", case.message.told()),
            );
        }
    }
}
