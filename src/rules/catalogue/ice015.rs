//! Media go on though the consent to them ran out.
//!
//! For more than 30 seconds no check of the selected pair was answered well. The other side may
//! be gone, or its NAT's mapping: whoever has the address now gets the packets.
//!
//! Fix: let the program stop sending and restart ICE.

use crate::rules::ice::{CONSENT_NS, called, seconds, sending};
use crate::rules::{Check, Findings, IceContext, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "ICE015",
    name: "consent-expired-still-sending",
    severity: Severity::Error,
    rfc: "RFC 7675",
    section: "5.1",
    source: include_str!("ice015.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         5000 A:4000>B:5000 stun request id=2 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         5002 B:5000>A:4000 stun success id=2
         10000 A:4000>B:5000 stun request id=3 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         6000 A:4000>B:5000 rtp n=1600 pt=0",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         5000 A:4000>B:5000 stun request id=2 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         5002 B:5000>A:4000 stun success id=2
         10000 A:4000>B:5000 stun request id=3 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         6000 A:4000>B:5000 rtp n=1400 pt=0",
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         6000 A:4000>B:5000 rtp n=1600 pt=0",
    ],
    check: Check::Ice(check),
    ..Rule::BASE
};

fn check(context: &IceContext<'_>, found: &mut Findings) {
    for own in sending(context) {
        let Some((_, answered)) = own.checks.succeeded_at else {
            continue;
        };
        let is_renewed = Some(answered) > own.pair.nominated;
        let asked_since = own.checks.last_sent > Some(answered);
        let without = own.stream.last.since(answered);
        if is_renewed && asked_since && without > CONSENT_NS {
            found.add(
                format!(
                    "{} sends media for {:.0} s after the last good answer to a check",
                    called(own.agent),
                    seconds(without)
                ),
                [own.stream.first],
            );
            found.by(own.stream.flow.src.ip.to_string());
        }
    }
}
