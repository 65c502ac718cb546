//! From or To names a way, where only a name belongs.
//!
//! Parameters such as maddr, ttl, transport or lr mean nothing in From and To; some
//! registrars then do not find the account.
//!
//! Fix: leave them out of From and To.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Uri;
use crate::sip::header::HeaderName;

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
    let names = [Some(HeaderName::From), Some(HeaderName::To)];
    if (context.parties).all(&names, |party| odd_parameter(party.uri()).is_none()) {
        return;
    }
    for message in context.originals().filter(|own| own.is_request()) {
        for (name, party) in [("From", message.sip.from()), ("To", message.sip.to())] {
            let Some(party) = party else { continue };
            if let Some(odd) = odd_parameter(party.parsed_uri()) {
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

fn odd_parameter(uri: Uri<'_>) -> Option<&'static str> {
    if uri.rest.is_empty() {
        return None;
    }
    ["maddr", "ttl", "transport", "lr", "method"]
        .into_iter()
        .find(|own| uri.parameter(own).is_some())
}
