//! An answer refuses ICE since the offer came with other addresses than its candidates.
//!
//! Something on the way rewrote the addresses of the medium and left the candidates as they
//! were. The call goes on without ICE.
//!
//! Fix: switch the ALG off, or let the SBC rewrite the candidates too or take them out.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "ICE017",
    name: "ice-mismatch",
    severity: Severity::Warning,
    rfc: "RFC 8839",
    section: "5.3",
    source: include_str!("ice017.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         5 B>A 200 to=t sdp=5000 line=a=ice-mismatch",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         5 B>A 200 to=t sdp=5000",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for (message, description) in context.descriptions() {
        for media in &description.media {
            if description.attribute(media, "ice-mismatch").is_some() {
                found.quote(
                    message,
                    media.media,
                    format!(
                        "{} refuses ICE: the addresses were rewritten on the way",
                        message.told()
                    ),
                );
            }
        }
    }
}
