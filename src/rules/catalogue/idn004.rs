//! An anonymous caller is not spelled as one.
//!
//! The form is "Anonymous" <sip:anonymous@anonymous.invalid>; with another host some
//! receivers do not take the call for anonymous.
//!
//! Fix: use anonymous.invalid.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "IDN004",
    name: "from-anonymous-form",
    severity: Severity::Info,
    rfc: "RFC 3323",
    section: "4.1",
    source: include_str!("idn004.rs"),
    flags: &["0 A>B INVITE swap=From:_<sip:a@x>=>From:_<sip:anonymous@example.com>"],
    accepts: &["0 A>B INVITE swap=From:_<sip:a@x>=>From:_<sip:anonymous@anonymous.invalid>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Invite)
        .filter(|own| own.is_original)
    {
        let Some(from) = message.sip.from() else {
            continue;
        };
        let uri = from.parsed_uri();
        if uri.user_name().eq_ignore_ascii_case(b"anonymous")
            && !uri.host.eq_ignore_ascii_case(b"anonymous.invalid")
        {
            found.quote(
                message,
                from.uri,
                format!(
                    "{} is anonymous at {}",
                    message.told(),
                    octets::text(uri.host)
                ),
            );
            return;
        }
    }
}
