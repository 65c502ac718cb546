//! An answer sets a session timer and does not say who refreshes, or names one who can't.
//!
//! Each side may wait for the other; the session runs out.
//!
//! Fix: let the callee name the refresher; the caller only if it has timer in Supported.

use crate::rules::message::has;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::sip::header::parameter;

pub(super) const RULE: Rule = Rule {
    code: "TMR003",
    name: "refresher-missing",
    severity: Severity::Error,
    rfc: "RFC 4028",
    section: "9",
    causes: &["TMR004"],
    source: include_str!("tmr003.rs"),
    flags: &[
        "0 A>B INVITE header=Supported:_timer
         5 B>A 200 to=t header=Session-Expires:_1800",
        "0 A>B INVITE
         5 B>A 200 to=t header=Session-Expires:_1800;refresher=uac",
    ],
    accepts: &[
        "0 A>B INVITE header=Supported:_timer
         5 B>A 200 to=t header=Session-Expires:_1800;refresher=uac",
        "0 A>B INVITE
         5 B>A 200 to=t header=Session-Expires:_1800;refresher=uas",
    ],
    needs: Needs::fields(&[HeaderName::SessionExpires]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, response, request) in context.answered().filter(|(_, own, _)| own.is_original) {
        let success = response.is_success(&Method::Invite) || response.is_success(&Method::Update);
        let Some(value) = response
            .value(HeaderName::SessionExpires)
            .filter(|_| success)
        else {
            continue;
        };
        let refresher = parameter(value, "refresher");
        let knows = request.lists(HeaderName::Supported, "timer")
            || has(&request.sip, HeaderName::SessionExpires);
        let fault = match refresher {
            None => "names no refresher",
            Some(own) if own.eq_ignore_ascii_case(b"uac") && !knows => {
                "leaves the refresh to one that does not support it"
            }
            Some(_) => continue,
        };
        found.quote(response, value, format!("{} {fault}", response.told()));
        return;
    }
}
