//! An INVITE offers its only medium with port 0.
//!
//! That refuses the medium before anybody asked; nothing can flow.
//!
//! Fix: offer a port, or no offer at all.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::Method;

pub(super) const RULE: Rule = Rule {
    code: "SDP027",
    name: "port-zero-offer",
    severity: Severity::Warning,
    rfc: "RFC 3264",
    section: "5.1",
    source: include_str!("sdp027.rs"),
    flags: &["0 A>B INVITE sdp=0"],
    accepts: &["0 A>B INVITE sdp=4000 video=0"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions() {
        let is_offer =
            message.is_request() && message.method == Method::Invite && !message.is_inside();
        let bundled = description
            .media
            .iter()
            .any(|own| own.attribute("bundle-only").is_some());
        if is_offer
            && !description.media.is_empty()
            && description.media.iter().all(|own| own.port() == Some(0))
            && !bundled
        {
            let part = description
                .media
                .first()
                .map(|own| own.media)
                .unwrap_or_default();
            found.quote(
                message,
                part,
                format!("{} offers nothing but port 0", message.told()),
            );
        }
    }
}
