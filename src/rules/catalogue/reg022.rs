//! A device numbers its way to the registrar and does not say which device it is.
//!
//! reg-id means nothing without +sip.instance; the registrar ignores it and keeps an entry
//! for each way.
//!
//! Fix: send +sip.instance together with reg-id.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;

pub(super) const RULE: Rule = Rule {
    code: "REG022",
    name: "outbound-inconsistent",
    severity: Severity::Warning,
    rfc: "RFC 5626",
    section: "4.2",
    source: include_str!("reg022.rs"),
    flags: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;reg-id=1"],
    accepts: &[
        "0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"",
    ],
    needs: Needs::methods(&[Method::Register]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Register)
        .filter(|own| own.is_original)
    {
        for value in message.values(HeaderName::Contact) {
            let contact = NameAddr::parse(value);
            if contact.parameter("reg-id").is_some() && contact.parameter("+sip.instance").is_none()
            {
                found.quote(
                    message,
                    value,
                    format!("{} has reg-id without +sip.instance", message.told()),
                );
                return;
            }
        }
    }
}
