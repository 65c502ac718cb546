//! Who made the offer leaves the decision on the pair to the other side.
//!
//! The side that offers decides, unless it is a lite one; each side works with the other's
//! word all the same, but two of that kind wait for each other.
//!
//! Fix: look whether a B2BUA turned the offer around and kept the role of its own.

use crate::engine::ice::IceAgent;
use crate::rules::ice::called;
use crate::rules::{Check, Findings, IceContext, Rule, Severity};
use crate::stun::IceRole;

pub(super) const RULE: Rule = Rule {
    code: "ICE003",
    name: "wrong-role",
    severity: Severity::Warning,
    rfc: "RFC 8445",
    section: "6.1.1",
    source: include_str!("ice003.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlled=yes
         25 B:5000>A:4000 stun request id=2 username=aaaa:bbbb priority=yes fingerprint=good controlling=yes",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         25 B:5000>A:4000 stun request id=2 username=aaaa:bbbb priority=yes fingerprint=good controlled=yes",
    ],
    check: Check::Ice(check),
    ..Rule::BASE
};

fn check(context: &IceContext<'_>, found: &mut Findings) {
    let session = context.session;
    let is_settled = session.role_conflicts == 0
        && session.agents.iter().all(|own| own.role_changes == 0)
        && session.generation(context.sessions) == 1;
    let is_lite = |own: &IceAgent| own.description.as_ref().is_none_or(|own| own.is_lite);
    if !is_settled || session.agents.iter().any(is_lite) {
        return;
    }
    let [one, other] = &session.agents;
    for (agent, peer) in [(one, other), (other, one)] {
        let has_offered =
            |own: &IceAgent| own.description.as_ref().is_some_and(|own| own.has_offered);
        let is_wrong = has_offered(agent)
            && !has_offered(peer)
            && agent.role == Some(IceRole::Controlled)
            && peer.role == Some(IceRole::Controlling);
        if is_wrong {
            found.add(
                format!("{} made the offer, but is controlled", called(agent)),
                [session.first],
            );
        }
    }
}
