//! ICE was restarted during the call.
//!
//! The two looked for a way anew, as after a change of network. What was heard until then went
//! the old way, or was lost.
//!
//! Fix: nothing, if the restart had a reason; else look for the network that changed.

use crate::rules::ice::seconds;
use crate::rules::{Check, Findings, IceContext, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "ICE020",
    name: "restart",
    severity: Severity::Info,
    rfc: "RFC 8445",
    section: "9",
    source: include_str!("ice020.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         1000 B>A INVITE cseq=7 tag=t to=f sdp=5000 line=a=ice-ufrag:dddd line=a=ice-pwd:dddddddddddddddddddddddd line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         1005 A>B 200 cseq=7 tag=t to=f sdp=4000 line=a=ice-ufrag:cccc line=a=ice-pwd:cccccccccccccccccccccccc line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         1020 A:4000>B:5000 stun request id=5 username=dddd:cccc priority=yes fingerprint=good controlling=yes nominate=yes
         1022 B:5000>A:4000 stun success id=5",
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
    let generation = session.generation(context.sessions);
    let mut before = context
        .sessions
        .iter()
        .filter(|own| own.media == session.media && own.serial < session.serial);
    let Some(before) = before.next_back().filter(|_| generation > 1) else {
        return;
    };
    let outcome = match session.settled() {
        Some(settled) => format!(
            "and had a pair {:.1} s later",
            seconds(settled.since(session.first.timestamp))
        ),
        None => "and no pair was nominated".to_owned(),
    };
    found.add(
        format!(
            "ICE was restarted {:.1} s after its first check, {outcome}",
            seconds(session.first.timestamp.since(before.first.timestamp))
        ),
        [session.first],
    );
}
