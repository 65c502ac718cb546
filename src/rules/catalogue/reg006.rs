//! The registrar's answer does not list the address that was registered.
//!
//! It lists all it knows; a device that does not find its own registers again and again.
//! Something rewrites the Contact in one direction only, or the registrar itself does so
//! to mend a NAT; most devices put up with that.
//!
//! Fix: switch the SIP ALG off, or let the registrar keep the Contact and store where it
//! came from beside it.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;

pub(super) const RULE: Rule = Rule {
    code: "REG006",
    name: "contact-not-in-200",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "10.3",
    causes: &["REG016"],
    is_tolerated: true,
    source: include_str!("reg006.rs"),
    flags: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.9>;expires=60"],
    accepts: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:c@10.0.0.9>;expires=60,_<sip:a@10.0.0.1:5060>;expires=60", "0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=0
         1 B>A 200 method=REGISTER to=t"],
    needs: Needs::methods(&[Method::Register]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, response, request) in context
        .answered()
        .filter(|(_, own, _)| own.is_success(&Method::Register) && own.is_entire())
    {
        let key = |value: &[u8]| {
            let uri = NameAddr::parse(value).parsed_uri();
            (
                octets::text(uri.user_name()),
                octets::text(uri.host).to_ascii_lowercase(),
                uri.port.unwrap_or(5060),
            )
        };
        let listed: Vec<_> = response
            .values(HeaderName::Contact)
            .into_iter()
            .map(key)
            .collect();
        for value in request.values(HeaderName::Contact) {
            let contact = NameAddr::parse(value);
            let expires = contact
                .parameter("expires")
                .and_then(octets::decimal)
                .or_else(|| request.number(HeaderName::Expires));
            let is_uri = contact
                .parsed_uri()
                .scheme
                .to_ascii_lowercase()
                .starts_with(b"sip");
            if is_uri
                && expires != Some(0)
                && !listed.contains(&key(value))
                && response.flow().reversed() == request.flow()
            {
                found.quote(
                    request,
                    contact.uri,
                    format!(
                        "{} does not list {}",
                        response.told(),
                        octets::text(contact.uri)
                    ),
                );
                found.by(response.flow().src.ip.to_string());
                found.also(response.at());
                return;
            }
        }
    }
}
