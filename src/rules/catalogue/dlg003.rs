//! A proxy asks for routing as it was before 2002.
//!
//! Its URI in Record-Route or Route lacks lr. Requests to it must then be rewritten at each
//! hop, which few programs do well.
//!
//! Fix: add ;lr to the URI that the proxy records.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;

pub(super) const RULE: Rule = Rule {
    code: "DLG003",
    name: "strict-router",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "16.12.1.2",
    source: include_str!("dlg003.rs"),
    flags: &["0 A>B INVITE header=Record-Route:_<sip:10.0.0.9>"],
    accepts: &["0 A>B INVITE header=Record-Route:_<sip:10.0.0.9;lr=on>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals() {
        for (name, kind) in [
            ("Record-Route", HeaderName::RecordRoute),
            ("Route", HeaderName::Route),
        ] {
            for value in message.sip.values(kind) {
                let uri = NameAddr::parse(value).parsed_uri();
                if uri.parameter("lr").is_none()
                    && !uri.host.is_empty()
                    && uri.scheme.eq_ignore_ascii_case(b"sip")
                {
                    found.quote(
                        message,
                        value,
                        format!("{name} of {} lacks lr", message.told()),
                    );
                    return;
                }
            }
        }
    }
}
