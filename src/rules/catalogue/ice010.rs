//! Media go by an address that no description has.
//!
//! The checks themselves brought it to light: a NAT gives another address toward each remote,
//! or a host has an interface that it did not tell of.
//!
//! Fix: nothing, where such a NAT is known to stand there; it is why only one side can begin.

use crate::rules::ice::called;
use crate::rules::{Check, Findings, IceContext, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "ICE010",
    name: "prflx-selected",
    severity: Severity::Info,
    rfc: "RFC 8445",
    section: "7.2.5.3.1",
    source: include_str!("ice010.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4444>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4444 stun success id=1",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
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
    for pair in session
        .selected()
        .into_iter()
        .filter_map(|own| session.pairs.get(own))
    {
        let agents = session.agents.iter().zip(pair.ends()).zip(&pair.checks);
        for ((agent, end), checks) in agents {
            if agent.kind(end, checks) == Some("prflx") {
                found.add(
                    format!(
                        "the selected address of {}, {end}, stands in no description",
                        called(agent)
                    ),
                    [pair.first],
                );
            }
        }
    }
}
