//! A connectivity check names a user fragment that no description has.
//!
//! Each check names the receiver's fragment and the sender's, as their session descriptions
//! have them. With another one it is refused with 401, and no pair ever works.
//!
//! Fix: look for whoever mixes the descriptions of two legs, or forgets a restart; the
//! receiver's fragment stands first.

use crate::rules::{Check, Findings, IceContext, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "ICE001",
    name: "username-mismatch",
    severity: Severity::Error,
    rfc: "RFC 8445",
    section: "7.2.2",
    source: include_str!("ice001.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:cccc priority=yes fingerprint=good controlling=yes",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         22 B:5000>A:4000 stun success id=1",
    ],
    check: Check::Ice(check),
    ..Rule::BASE
};

fn check(context: &IceContext<'_>, found: &mut Findings) {
    let session = context.session;
    if !session.is_answered {
        return;
    }
    let mut agents = session.agents.iter();
    let stranger = agents.find(|own| own.description.is_none());
    let Some(stranger) = stranger else { return };
    found.add(
        format!(
            "checks name the user fragment {}, which stands in no description of the call",
            stranger.ufrag
        ),
        [session.first],
    );
}
