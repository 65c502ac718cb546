//! A device asks for too short a time again after it was told the least.
//!
//! 423 names it in Min-Expires; asking for less is refused each time.
//!
//! Fix: let the device ask for Min-Expires or more.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "REG010",
    name: "too-short-again",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "10.2.8",
    symptom: Some("registration-lost"),
    source: include_str!("reg010.rs"),
    flags: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=30
         1 B>A 423 method=REGISTER to=t header=Min-Expires:_300
         9 A>B REGISTER cseq=2 branch=2 header=Contact:_<sip:a@10.0.0.1>;expires=30"],
    accepts: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=30
         1 B>A 423 method=REGISTER to=t header=Min-Expires:_300
         9 A>B REGISTER cseq=2 branch=2 header=Contact:_<sip:a@10.0.0.1>;expires=300"],
    needs: Needs::methods(&[Method::Register]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, response) in context.responses() {
        let Some(least) = response
            .number(HeaderName::MinExpires)
            .filter(|_| status == 423)
        else {
            continue;
        };
        let next = context
            .requests(&Method::Register)
            .find(|own| own.when() > response.when() && own.flow() == response.flow().reversed());
        let Some(next) = next else { continue };
        let contact = next.sip.contact();
        let asked = contact
            .and_then(|own| own.parameter("expires"))
            .and_then(octets::decimal)
            .or_else(|| next.number(HeaderName::Expires));
        if let Some(asked) = asked.filter(|asked| *asked < least && *asked > 0) {
            found.message(
                next,
                format!(
                    "{} asks for {asked} s after it was told that {least} s are the least",
                    next.told()
                ),
            );
            return;
        }
    }
}
