//! The registrar keeps several addresses of one device.
//!
//! They differ in the port alone: a NAT gave it a new one each time. Calls go to all of
//! them, and the dead ones delay or fail.
//!
//! Fix: let the device send +sip.instance and reg-id (RFC 5626), or limit the number of
//! contacts of an account.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;

pub(super) const RULE: Rule = Rule {
    code: "REG015",
    name: "stale-contact-accumulation",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "10.3",
    source: include_str!("reg015.rs"),
    flags: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1:5062>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1:5061>;expires=60,_<sip:a@10.0.0.1:5062>;expires=60"],
    accepts: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1:5062>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.3:5061>;expires=60,_<sip:a@10.0.0.1:5062>;expires=60"],
    needs: Needs::methods(&[Method::Register]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, message) in context
        .responses()
        .filter(|(_, own)| own.is_original && own.is_success(&Method::Register))
    {
        let mut hosts: Vec<(&[u8], &[u8])> = Vec::new();
        for value in message.values(HeaderName::Contact) {
            let uri = NameAddr::parse(value).parsed_uri();
            let who = (uri.user_name(), uri.host);
            if hosts.contains(&who) && !uri.host.is_empty() {
                found.quote(
                    message,
                    value,
                    format!(
                        "{} lists {} more than once",
                        message.told(),
                        octets::text(uri.host)
                    ),
                );
                return;
            }
            hosts.push(who);
        }
    }
}
