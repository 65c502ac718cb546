//! A password is sent for everybody to read.
//!
//! Basic is forbidden in SIP, and a password in a URI is passed on to everybody on the way.
//!
//! Fix: use Digest, and take the password out of the URI; change the password.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Uri;
use crate::sip::header::HeaderName;

pub(super) const RULE: Rule = Rule {
    code: "AUT019",
    name: "basic-or-cleartext",
    severity: Severity::Error,
    rfc: "RFC 3261",
    section: "22.1",
    source: include_str!("aut019.rs"),
    flags: &[
        "0 A>B REGISTER header=Authorization:_Basic_YTpi",
        "0 A>B REGISTER swap=From:_<sip:a@x>=>From:_<sip:a:secret@x>",
    ],
    accepts: &["0 A>B REGISTER swap=From:_<sip:a@x>=>From:_<sip:a%3Ab@x>"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    const NAMES: [Option<HeaderName>; 3] = [
        Some(HeaderName::From),
        Some(HeaderName::To),
        Some(HeaderName::Contact),
    ];
    let is_fine = context.parties.all(&NAMES, |own| !has_password(own.uri()));
    let credentials = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
    for message in context.originals().filter(|own| own.is_request()) {
        for name in credentials {
            for field in message.sip.fields_of(name) {
                let scheme = octets::span(field.value, 0, 5);
                if scheme.eq_ignore_ascii_case(b"basic") {
                    found.message(message, format!("{} has Basic credentials", message.told()));
                    return;
                }
            }
        }
        if is_fine {
            continue;
        }
        let parties = [message.sip.from(), message.sip.to(), message.sip.contact()];
        let mut parties = parties.into_iter().flatten();
        if parties.any(|own| has_password(own.parsed_uri())) {
            found.message(
                message,
                format!("{} has a password in a URI", message.told()),
            );
            return;
        }
    }
}

fn has_password(uri: Uri<'_>) -> bool {
    uri.user.contains(&b':')
        && uri.user != uri.user_name()
        && uri.scheme.to_ascii_lowercase().starts_with(b"sip")
}
