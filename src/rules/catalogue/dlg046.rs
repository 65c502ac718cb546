//! A proxy passes a request on with its own address still on top of Route.
//!
//! The next element routes it back to the proxy, or refuses it.
//!
//! Fix: let the proxy take its own Route off before it looks where to send (loose_route()).

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::NameAddr;
use std::net::IpAddr;

pub(super) const RULE: Rule = Rule {
    code: "DLG046",
    name: "own-route-not-removed",
    severity: Severity::Warning,
    rfc: "RFC 3261",
    section: "16.4",
    source: include_str!("dlg046.rs"),
    flags: &["0 A>P BYE to=t cseq=2 header=Route:_<sip:198.51.100.16;lr>
         1 P>B BYE to=t cseq=2 branch=2 via=2 header=Route:_<sip:198.51.100.16;lr>"],
    accepts: &["0 A>P BYE to=t cseq=2 header=Route:_<sip:198.51.100.16;lr>
         1 P>B BYE to=t cseq=2 branch=2 via=2"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context
        .messages
        .iter()
        .filter(|own| own.is_request() && own.sip.via_count() > 1)
    {
        let Some(top) = message.values(HeaderName::Route).first().copied() else {
            continue;
        };
        let uri = NameAddr::parse(top).parsed_uri();
        let host: Option<IpAddr> = octets::text(uri.host).parse().ok();
        let source = message.flow().src;
        if host == Some(source.ip) && uri.port.unwrap_or(5060) == source.port {
            found.quote(
                message,
                top,
                format!(
                    "{} passes {} on with its own Route",
                    source,
                    message.method.as_str()
                ),
            );
            return;
        }
    }
}
