//! An address with a question mark stands without brackets.
//!
//! Without brackets nobody can tell what belongs to the URI and what to the header field.
//!
//! Fix: put the URI between < and >.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "SYN028",
    name: "addr-spec-needs-brackets",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "20",
    source: include_str!("syn028.rs"),
    flags: &["0 A>B REGISTER header=Contact:_sip:a@10.0.0.1?Route=x"],
    accepts: &["0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1?Route=x>"],
    check: Check::Call(check),
    ..Rule::BASE
};

const NAMES: [(&str, HeaderName); 6] = [
    ("From", HeaderName::From),
    ("To", HeaderName::To),
    ("Contact", HeaderName::Contact),
    ("Route", HeaderName::Route),
    ("Record-Route", HeaderName::RecordRoute),
    ("Refer-To", HeaderName::ReferTo),
];

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let names = NAMES.map(|(_, kind)| Some(kind));
    if (context.parties).all(&names, |party| !needs_brackets(party.field)) {
        return;
    }
    for message in context.originals() {
        for (name, kind) in NAMES {
            for field in message.sip.fields_of(kind) {
                let value = field.value;
                if needs_brackets(value) {
                    found.quote(
                        message,
                        value,
                        format!("{name} of {} needs brackets", message.told()),
                    );
                }
            }
        }
    }
}

fn needs_brackets(value: &[u8]) -> bool {
    value.contains(&b'?') && !value.contains(&b'<')
}
