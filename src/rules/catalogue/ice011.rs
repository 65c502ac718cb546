//! Media go through a relay.
//!
//! That costs its owner what the call sends, and both sides the way around. It is as it must
//! be where neither NAT lets the other side in.
//!
//! Fix: nothing, where no direct pair works; else look why it was not chosen.

use crate::engine::ice::IcePair;
use crate::rules::ice::ends;
use crate::rules::{Check, Findings, IceContext, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "ICE011",
    name: "relay-selected",
    severity: Severity::Info,
    rfc: "RFC 8445",
    section: "8.1.1",
    source: include_str!("ice011.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host line=a=candidate:2_1_UDP_255_198.51.100.16_6000_typ_relay_raddr_10.0.0.1_rport_4000
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 P:6000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>P:6000 stun success id=1",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host line=a=candidate:2_1_UDP_255_198.51.100.16_6000_typ_relay_raddr_10.0.0.1_rport_4000
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
    let is_relayed = |pair: &IcePair| {
        let mut agents = session.agents.iter().zip(pair.ends()).zip(&pair.checks);
        agents.any(|((agent, end), checks)| agent.kind(end, checks) == Some("relay"))
    };
    for pair in session
        .selected()
        .into_iter()
        .filter_map(|own| session.pairs.get(own))
    {
        if !is_relayed(pair) {
            continue;
        }
        let component = session.component(pair);
        let direct = session
            .pairs
            .iter()
            .filter(|own| !is_relayed(own) && session.component(own) == component);
        let (works, fails): (Vec<_>, Vec<_>) = direct.partition(|own| own.is_valid());
        let why = match (works.len(), fails.len()) {
            (0, 0) => "no direct pair was tried".to_owned(),
            (0, fails) => format!("none of {fails} direct pairs works"),
            (works, _) => format!("though {works} direct pairs work"),
        };
        found.add(
            format!("media go through a relay, {}: {why}", ends(pair)),
            [pair.first],
        );
    }
}
