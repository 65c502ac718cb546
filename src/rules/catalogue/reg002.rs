//! A REGISTER is made by one for another.
//!
//! To and From differ: that is a third party that registers, or a phone whose user name and
//! account are mixed up.
//!
//! Fix: set From and To to the same address of record, unless a third party is meant.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "REG002",
    name: "register-to-from-mismatch",
    severity: Severity::Info,
    rfc: "RFC 3261",
    section: "10.2",
    source: include_str!("reg002.rs"),
    flags: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>"],
    accepts: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1> swap=To:_<sip:b@x>=>To:_<sip:a@x>"],
    needs: Needs::methods(&[Method::Register]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Register)
        .filter(|own| own.is_original)
    {
        let (Some(from), Some(to)) = (message.sip.from(), message.sip.to()) else {
            continue;
        };
        if from.uri != to.uri {
            found.quote(
                message,
                to.uri,
                format!(
                    "{} is for {}, by {}",
                    message.told(),
                    octets::text(to.uri),
                    octets::text(from.uri)
                ),
            );
            return;
        }
    }
}
