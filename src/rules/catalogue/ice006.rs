//! A side that nominates once by its own word nominated several pairs.
//!
//! Whoever says ice2 in its description tries first and nominates one pair of each component
//! at the end. The other side relies on that, and may send on another pair.
//!
//! Fix: let the program nominate one pair, or leave ice2 out.

use crate::engine::ice::IceAgent;
use crate::rules::ice::called;
use crate::rules::{Check, Findings, IceContext, Rule, Severity};
use crate::stun::IceRole;

pub(super) const RULE: Rule = Rule {
    code: "ICE006",
    name: "multiple-nominations",
    severity: Severity::Error,
    rfc: "RFC 8445",
    section: "8.1.1",
    source: include_str!("ice006.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=ice-options:ice2 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         30 A:4000>C:5000 stun request id=2 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         32 C:5000>A:4000 stun success id=2",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         30 A:4000>C:5000 stun request id=2 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         32 C:5000>A:4000 stun success id=2",
        "0 A>B INVITE sdp=4000 line=a=ice-options:ice2 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1",
    ],
    check: Check::Ice(check),
    ..Rule::BASE
};

fn check(context: &IceContext<'_>, found: &mut Findings) {
    let session = context.session;
    let mut agents = session.agents.iter();
    let deciding = agents.find(|own| own.role == Some(IceRole::Controlling));
    let has_ice2 = |own: &&IceAgent| own.description.as_ref().is_some_and(|own| own.has_ice2);
    let Some(deciding) = deciding.filter(has_ice2) else {
        return;
    };
    for component in [Some(1), Some(2), None] {
        let nominated = session
            .pairs
            .iter()
            .filter(|pair| pair.nominated.is_some() && session.component(pair) == component);
        let nominated: Vec<_> = nominated.collect();
        if let [first, _, ..] = nominated.as_slice() {
            found.add(
                format!(
                    "{} says ice2 and nominates {} pairs of one component",
                    called(deciding),
                    nominated.len()
                ),
                [first.first],
            );
        }
    }
}
