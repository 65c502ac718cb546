//! An IPv4 address is written as an IPv6 address inside a message.
//!
//! A program with one socket for both families leaks its inner form (::ffff:192.0.2.1);
//! peers with IPv4 alone can't use it.
//!
//! Fix: write IPv4 addresses as such.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN044",
    name: "ipv4-mapped-address",
    severity: Severity::Warning,
    rfc: "RFC 5118",
    section: "4.9",
    source: include_str!("syn044.rs"),
    flags: &["0 A>B INVITE header=Contact:_<sip:a@[::ffff:10.0.0.1]>"],
    accepts: &["0 A>B INVITE header=Contact:_<sip:a@[2001:db8::1]>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let contact = [Some(HeaderName::Contact)];
    let is_fine = (context.parties).all(&contact, |party| !is_mapped(party.value));
    for message in context.originals() {
        let contacts = message.sip.values(HeaderName::Contact);
        let contacts = contacts.filter(|_| !is_fine);
        let mut values = contacts.chain(message.sip.values(HeaderName::Via).next());
        if let Some(value) = values.find(|value| is_mapped(value)) {
            found.quote(
                message,
                value,
                format!(
                    "{} names an IPv4 address in the form of IPv6",
                    message.told()
                ),
            );
        }
    }
}

fn is_mapped(value: &[u8]) -> bool {
    // Hardly any value has two colons in a row.
    memchr::memchr_iter(b':', value).any(|at| value.get(at + 1) == Some(&b':'))
        && memchr::memmem::find(&value.to_ascii_lowercase(), b"::ffff:").is_some()
}
