//! A device registers an address that was made for it by the registrar.
//!
//! A GRUU leads to the registrar, so the registration points at itself: calls go in a
//! circle.
//!
//! Fix: register the plain Contact, and use the GRUU inside dialogs.

use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "REG024",
    name: "gruu-misuse",
    severity: Severity::Warning,
    rfc: "RFC 5627",
    section: "3.1",
    source: include_str!("reg024.rs"),
    flags: &["0 A>B REGISTER header=Contact:_<sip:a@x;gr=urn:uuid:1>"],
    accepts: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>"],
    needs: Needs::methods(&[Method::Register]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Register)
        .filter(|own| own.is_original)
    {
        let contact = message.sip.contact();
        if let Some(contact) = contact.filter(|own| own.parsed_uri().parameter("gr").is_some()) {
            found.quote(
                message,
                contact.uri,
                format!("{} registers a GRUU", message.told()),
            );
            return;
        }
    }
}
