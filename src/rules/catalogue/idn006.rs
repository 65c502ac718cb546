//! The identity that the network asserts is not the one in From.
//!
//! A caller that shows another number than its own: a call centre, or fraud.
//!
//! Fix: compare with the numbers that the trunk may use.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::Method;
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;

pub(super) const RULE: Rule = Rule {
    code: "IDN006",
    name: "pai-vs-from-mismatch",
    severity: Severity::Info,
    rfc: "RFC 3325",
    section: "9.1",
    source: include_str!("idn006.rs"),
    flags: &["0 A>B INVITE header=P-Asserted-Identity:_<sip:other@x>"],
    accepts: &["0 A>B INVITE header=P-Asserted-Identity:_<sip:a@x>"],
    needs: Needs::fields(&[HeaderName::PAssertedIdentity]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .requests(&Method::Invite)
        .filter(|own| own.is_original)
    {
        let (Some(from), Some(value)) = (
            message.sip.from(),
            message
                .values(HeaderName::PAssertedIdentity)
                .first()
                .copied(),
        ) else {
            continue;
        };
        let (shown, asserted) = (from.parsed_uri(), NameAddr::parse(value).parsed_uri());
        if shown.user_name() != asserted.user_name()
            && !shown.user_name().eq_ignore_ascii_case(b"anonymous")
        {
            found.quote(
                message,
                value,
                format!(
                    "{} shows {} and is asserted to be {}",
                    message.told(),
                    octets::text(shown.user_name()),
                    octets::text(asserted.user_name())
                ),
            );
            return;
        }
    }
}
