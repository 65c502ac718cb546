//! An agent leaves its selected pair silent for longer than NATs wait.
//!
//! Each side sends something on the pair at least every 15 seconds: media, or an indication
//! where there are none, as on hold. Else the binding in the NAT before it may end, and what
//! the other side sends is lost from then on.
//!
//! Fix: let the agent send a Binding indication, or renew its consent, whenever it has sent
//! nothing for 15 seconds, on hold too.

use crate::engine::ice::IcePair;
use crate::rules::ice::{called, seconds};
use crate::rules::{Check, Findings, IceContext, Rule, Severity};
use crate::time::{SECOND, Timestamp};

pub(super) const RULE: Rule = Rule {
    code: "ICE016",
    name: "keepalive-gap",
    severity: Severity::Warning,
    rfc: "RFC 8445",
    section: "11",
    source: include_str!("ice016.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         100 A:4000>B:5000 rtp n=1250
         100 B:5000>A:4000 rtp n=100
         22101 B:5000>A:4000 rtp n=100 first=100 ssrc=8",
        // It stops for good, while the other side goes on.
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         100 A:4000>B:5000 rtp n=1250
         100 B:5000>A:4000 rtp n=100",
    ],
    accepts: &[
        // A keep-alive between.
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         100 A:4000>B:5000 rtp n=1250
         100 B:5000>A:4000 rtp n=100
         12000 B:5000>A:4000 octets hex=001100002112a442010101010101010101010101
         22101 B:5000>A:4000 rtp n=100 first=100 ssrc=8",
        // Twenty seconds, to the packet.
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         100 A:4000>B:5000 rtp n=1250
         100 B:5000>A:4000 rtp n=100
         22080 B:5000>A:4000 rtp n=100 first=100 ssrc=8",
        // Its answers to checks are packets too.
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         100 A:4000>B:5000 rtp n=1250
         15000 A:4000>B:5000 stun request id=2 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         15002 B:5000>A:4000 stun success id=2",
        // Who hung up may stop.
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         100 A:4000>B:5000 rtp n=1250
         100 B:5000>A:4000 rtp n=100
         2100 B>A BYE tag=t to=f branch=9 cseq=2
         2110 A>B 200 tag=t to=f branch=9 cseq=2 method=BYE",
        // The whole call is over before.
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         100 A:4000>B:5000 rtp n=100
         100 B:5000>A:4000 rtp n=100
         60000 E:5000>F:5000 octets hex=ff00",
    ],
    check: Check::Ice(check),
    ..Rule::BASE
};

/// 15 seconds (Tr), and what timers may be late.
const SILENT_NS: i64 = 20 * SECOND;

/// A time in which packets came: what lies between two of them is silence for certain.
type Span = (Timestamp, Timestamp);

/// When an agent sends on a pair, by what is known of each of its sources.
fn spans(context: &IceContext<'_>, pair: &IcePair, agent: usize) -> Vec<Span> {
    let heard = pair.checks.get(agent).and_then(|own| own.heard);
    let heard = heard.map(|own| [(own.first, own.pause.0), (own.pause.1, own.last)]);
    let way = pair.way(agent);
    let streams = context.streams.iter();
    let streams = streams.filter(|own| Some(own.flow) == way).map(|own| {
        let (pause, until) = own.pause;
        [
            (own.first.timestamp, until.offset(-pause)),
            (until, own.last),
        ]
    });
    let mut spans: Vec<Span> = heard.into_iter().chain(streams).flatten().collect();
    spans.sort_unstable();
    spans
}

fn check(context: &IceContext<'_>, found: &mut Findings) {
    let session = context.session;
    let selected = session.selected().into_iter();
    let later = context
        .sessions
        .iter()
        .filter(|own| own.media == session.media && own.first.timestamp > session.first.timestamp);
    let replaced = later.map(|own| own.first.timestamp).min();
    for pair in selected.filter_map(|own| session.pairs.get(own)) {
        let Some(nominated) = pair.nominated else {
            continue;
        };
        let sent = [0, 1].map(|agent| spans(context, pair, agent));
        // As long as anybody sends there, both hold it: until one hangs up, or another
        // session takes its place.
        let ends = sent.iter().flatten().map(|(_, until)| *until);
        let Some(ends) = ends.max() else { continue };
        let bounds = [Some(ends), replaced, context.hung_up];
        let ends = bounds.into_iter().flatten().min().unwrap_or(ends);
        for ((spans, agent), number) in sent.iter().zip(&session.agents).zip(0..) {
            let Some(way) = pair.way(number) else {
                continue;
            };
            let mut last = nominated;
            let mut longest = 0;
            for (from, until) in spans.iter().copied().chain([(ends, ends)]) {
                longest = longest.max(from.min(ends).since(last));
                last = last.max(until);
            }
            if longest > SILENT_NS && !spans.is_empty() {
                found.add(
                    format!(
                        "{} sent nothing to {} for {:.0} s",
                        called(agent),
                        way.dst,
                        seconds(longest)
                    ),
                    [pair.first],
                );
                found.by(way.src.ip.to_string());
            }
        }
    }
}
