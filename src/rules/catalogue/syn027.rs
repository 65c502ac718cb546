//! From or To names a way, where only a name belongs.
//!
//! Parameters such as maddr, ttl, transport or lr mean nothing in From and To; some
//! registrars then do not find the account.
//!
//! Fix: leave them out of From and To.

use crate::rules::{CallContext, Check, Findings, Good, Rule, Severity};
use crate::sip::Uri;

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
    let mut good = Good::default();
    for message in context.originals().filter(|own| own.is_request()) {
        for (name, party) in [("From", message.sip.from()), ("To", message.sip.to())] {
            let Some(party) = party else { continue };
            if good.is(party.uri, |uri| odd_parameter(uri).is_none()) {
                continue;
            }
            if let Some(odd) = odd_parameter(party.uri) {
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

fn odd_parameter(uri: &[u8]) -> Option<&'static str> {
    let uri = Uri::parse(uri);
    ["maddr", "ttl", "transport", "lr", "method"]
        .into_iter()
        .find(|own| uri.parameter(own).is_some())
}
