//! The registrar grants more time than was asked for.
//!
//! It may shorten, not lengthen. A device that refreshes by its own wish does no harm; one
//! that changes address sooner leaves a dead entry.
//!
//! Fix: let the registrar grant at most what is asked.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;

pub(super) const RULE: Rule = Rule {
    code: "REG008",
    name: "granted-longer-than-requested",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "10.3",
    source: include_str!("reg008.rs"),
    flags: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=3600"],
    accepts: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
         1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60"],
    needs: Needs::methods(&[Method::Register]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (_, response, request) in context
        .answered()
        .filter(|(_, own, _)| own.is_original && own.is_success(&Method::Register))
    {
        let expires = |value: &[u8]| {
            NameAddr::parse(value)
                .parameter("expires")
                .and_then(octets::decimal)
        };
        let asked = request.values(HeaderName::Contact);
        let [own] = asked.as_slice() else { continue };
        let Some(asked) = expires(own).or_else(|| request.number(HeaderName::Expires)) else {
            continue;
        };
        let same = |value: &&&[u8]| NameAddr::parse(value).uri == NameAddr::parse(own).uri;
        let listed = response.values(HeaderName::Contact);
        let Some(value) = listed.iter().find(same) else {
            continue;
        };
        if let Some(granted) = expires(value).filter(|granted| *granted > asked && asked > 0) {
            found.quote(
                response,
                value,
                format!(
                    "{} grants {granted} s; {asked} s were asked for",
                    response.told()
                ),
            );
            return;
        }
    }
}
