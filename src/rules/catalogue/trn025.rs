//! After a redirection the caller asks at the same address again.
//!
//! 3xx named other addresses to try; the same one answers the same.
//!
//! Fix: let the caller try the Contacts of the 3xx, the most preferred first.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;

pub(super) const RULE: Rule = Rule {
    code: "TRN025",
    name: "redirect-not-followed",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "8.1.3.4",
    source: include_str!("trn025.rs"),
    flags: &["0 A>B INVITE
         1 B>A 302 to=t header=Contact:_<sip:c@x>
         2 A>B ACK to=t
         9 A>B INVITE cseq=2 branch=2"],
    accepts: &["0 A>B INVITE
         1 B>A 302 to=t header=Contact:_<sip:c@x>
         2 A>B ACK to=t
         9 A>B INVITE cseq=2 branch=2 uri=sip:c@x"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (status, response, request) in context.answered() {
        let contacts = response.values(HeaderName::Contact);
        if !matches!(status, 300..=302) || contacts.is_empty() || request.is_inside() {
            continue;
        }
        let next = context.requests(&request.method).find(|own| {
            own.when() > response.when() && own.flow() == request.flow() && own.cseq > request.cseq
        });
        let named = |uri: &[u8]| contacts.iter().any(|own| NameAddr::parse(own).uri == uri);
        if let Some(next) = next
            .filter(|own| own.request_uri() == request.request_uri() && !named(own.request_uri()))
        {
            found.quote(
                next,
                next.request_uri(),
                format!(
                    "{} asks again where {status} said to ask elsewhere",
                    next.told()
                ),
            );
            return;
        }
    }
}
