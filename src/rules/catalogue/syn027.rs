//! From or To names a way, where only a name belongs.
//!
//! Parameters such as maddr, ttl, transport or lr mean nothing in From and To; some
//! registrars then do not find the account.
//!
//! Fix: leave them out of From and To.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SYN027",
    name: "uri-params-not-allowed",
    severity: Severity::Info,
    rfc: "RFC 3261",
    section: "19.1.1",
    source: include_str!("syn027.rs"),
    flags: &["0 A>B INVITE swap=From:_<sip:a@x>=>From:_<sip:a@x;transport=tcp>"],
    accepts: &["0 A>B INVITE swap=From:_<sip:a@x>=>From:_<sip:a@x;user=phone>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals().filter(|own| own.is_request()) {
        for (name, party) in [("From", message.sip.from()), ("To", message.sip.to())] {
            let Some(party) = party else { continue };
            let uri = party.parsed_uri();
            let odd = ["maddr", "ttl", "transport", "lr", "method"]
                .into_iter()
                .find(|own| uri.parameter(own).is_some());
            if let Some(odd) = odd {
                found.quote(
                    message,
                    party.uri,
                    format!("{name} of {} has {odd}", message.told()),
                );
                return;
            }
        }
    }
}
