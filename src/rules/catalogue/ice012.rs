//! Media go another way than the pair that ICE selected.
//!
//! Nobody knows whether that way works, nor renews the consent to it; where it works by
//! chance it ends with the NAT's mapping.
//!
//! Fix: let the program send on the selected pair once it is nominated.

use crate::rules::{Check, Findings, IceContext, Rule, Severity};
use crate::time::SECOND;

pub(super) const RULE: Rule = Rule {
    code: "ICE012",
    name: "media-not-on-selected-pair",
    severity: Severity::Warning,
    rfc: "RFC 8445",
    section: "12.1",
    source: include_str!("ice012.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         1000 A:4002>B:5000 rtp n=300 pt=0",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         1000 A:4000>B:5000 rtp n=300 pt=0",
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         30 A:4002>B:5000 rtp n=60 pt=0",
    ],
    check: Check::Ice(check),
    ..Rule::BASE
};

/// What was sent before, or at once after, may have taken any pair that works.
const AFTER_NS: i64 = 2 * SECOND;
/// Fewer packets are no stream that somebody chose a way for.
const MIN_PACKETS: u64 = 50;

fn check(context: &IceContext<'_>, found: &mut Findings) {
    let session = context.session;
    let Some(media) = session
        .media
        .filter(|_| session.generation(context.sessions) == 1)
    else {
        return;
    };
    // After a restart, or with several legs, another session may have chosen.
    let is_alone = context
        .sessions
        .iter()
        .all(|own| own.serial == session.serial || own.media != session.media);
    let selected = session.selected();
    let selected = selected.iter().filter_map(|own| session.pairs.get(*own));
    let selected: Vec<_> = selected.collect();
    let first = selected.iter().filter_map(|own| own.nominated).min();
    let Some(first) = first.filter(|_| is_alone) else {
        return;
    };
    for stream in context.streams {
        let is_its = stream.membership.is_some_and(|own| own.media == media);
        let goes_on = stream.last.since(first) > AFTER_NS;
        let flow = stream.flow;
        let is_on = selected
            .iter()
            .any(|own| own.is_between(flow.src, flow.dst));
        // RTCP of a component that has no pair of its own is not looked at here.
        if is_its && goes_on && !is_on && stream.packets >= MIN_PACKETS {
            found.add(
                format!(
                    "media go from {} to {}, which is not the selected pair",
                    flow.src, flow.dst
                ),
                [stream.first],
            );
            found.by(flow.src.ip.to_string());
        }
    }
}
