//! A call carries two signed identities of one kind.
//!
//! One element signed what another had signed already; whoever verifies takes one of them.
//!
//! Fix: let one element sign, the rest pass it on.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::parameter;

pub(super) const RULE: Rule = Rule {
    code: "STI012",
    name: "identity-twice",
    severity: Severity::Warning,
    rfc: "RFC 8224",
    section: "4",
    source: include_str!("sti012.rs"),
    flags: &[
        "0 A>B INVITE header=Identity:_a.b.AAAA;info=<https://c/c>;ppt=shaken header=Identity:_a.c.AAAA;info=<https://c/c>;ppt=shaken",
    ],
    accepts: &[
        "0 A>B INVITE header=Identity:_a.b.AAAA;info=<https://c/c>;ppt=shaken header=Identity:_a.c.AAAA;info=<https://c/c>;ppt=div",
    ],
    needs: Needs::fields(&[HeaderName::Identity]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        let mut kinds = Vec::new();
        for value in message.fields(HeaderName::Identity) {
            let kind = parameter(value, "ppt").map(octets::text);
            if kinds.contains(&kind) {
                found.message(
                    message,
                    format!("{} has two identities of one kind", message.told()),
                );
                return;
            }
            kinds.push(kind);
        }
    }
}
