//! A response came that nobody asked for.
//!
//! No request of its branch was seen on that way, though others were: it comes very late,
//! or to the wrong one.
//!
//! Fix: compare its branch with requests on other ways; look for a proxy that mixes them.

use crate::rules::{CallContext, Check, Findings, Message, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TXN038",
    name: "stray-response",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "17.1.3",
    source: include_str!("txn038.rs"),
    flags: &["0 A>B OPTIONS
         1 B>A 200 to=t method=OPTIONS
         900 B>A 200 to=u method=OPTIONS branch=stray"],
    accepts: &["0 A>B OPTIONS
         1 B>A 200 to=t method=OPTIONS"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    if !context.is_whole() {
        return;
    }
    let first = context.messages.first().map(Message::when);
    for (_, response) in context.responses().filter(|(_, own)| own.is_original) {
        let asked = context.request_of(response).is_some();
        let sees = context.messages.iter().any(|own| {
            own.is_request()
                && own.flow() == response.flow().reversed()
                && own.when() < response.when()
        });
        let begins = first.is_some_and(|first| {
            context.messages.first().is_some_and(Message::is_request) && first < response.when()
        });
        if !asked && sees && begins {
            found.message(
                response,
                format!("{} answers no request that was seen", response.told()),
            );
            return;
        }
    }
}
