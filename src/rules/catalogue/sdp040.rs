//! The address of a medium is none of its ICE candidates.
//!
//! Something on the way rewrote the address and left the candidates, or the other way
//! round. The other side must then give up ICE.
//!
//! Fix: switch the SIP ALG off.

use crate::octets;
use crate::rules::description::words;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "SDP040",
    name: "ice-default-mismatch",
    severity: Severity::Warning,
    rfc: "RFC 8839",
    section: "4.2.5",
    source: include_str!("sdp040.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:abcd line=a=ice-pwd:0123456789012345678901 line=a=candidate:1_1_UDP_1_192.168.1.1_4000_typ_host",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:abcd line=a=ice-pwd:0123456789012345678901 line=a=candidate:1_1_UDP_1_10.0.0.1_4000_typ_host",
        "0 A>B INVITE sdp=9 line=a=ice-ufrag:abcd line=a=ice-pwd:0123456789012345678901 line=a=candidate:1_1_UDP_1_192.168.1.1_4000_typ_host",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions().filter(|(own, _)| own.is_entire()) {
        for media in description
            .media
            .iter()
            .filter(|own| !matches!(own.port(), Some(0 | 9) | None))
        {
            if media.attribute("candidate").is_none() {
                continue;
            }
            let candidates: Vec<_> = media
                .attributes("candidate")
                .map(|own| words(own))
                .collect();
            let Some(address) = description.address(media).filter(|ip| !ip.is_unspecified()) else {
                continue;
            };
            let fits = |parts: &[&[u8]]| {
                let text = |place: usize| {
                    parts
                        .get(place)
                        .map(|own| octets::text(own))
                        .unwrap_or_default()
                };
                text(4).parse() == Ok(address) && text(5).parse().ok() == media.port()
                    || text(4).ends_with(".local")
            };
            if !candidates.iter().any(|own| fits(own)) {
                let part = description.connection(media).unwrap_or_default();
                found.quote(
                    message,
                    part,
                    format!(
                        "{} names {address} port {}, which is none of its candidates",
                        message.told(),
                        media.port().unwrap_or(0)
                    ),
                );
                return;
            }
        }
    }
}
