//! No pair of addresses works: the two sides found no way to each other.
//!
//! Every pair was tried and came to nothing, so no media can pass. Which reason each pair had
//! stands in the record of the session.
//!
//! Fix: give both sides a TURN server that is reached over UDP, TCP and TLS; where a relay
//! was among the candidates, look why it did not pass the checks on.

use crate::engine::ice::{IceAgent, IceDescription};
use crate::rules::ice::{called, ends};
use crate::rules::{Check, Findings, IceContext, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "ICE008",
    name: "ice-failed",
    severity: Severity::Error,
    rfc: "RFC 8445",
    section: "8.1.2",
    symptom: Some("no-audio"),
    source: include_str!("ice008.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         25 B:5000>A:4000 stun request id=2 username=aaaa:bbbb priority=yes fingerprint=good controlled=yes
         6000 A>B BYE to=t cseq=2",
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         23 B:5000>A:4000 stun error=401 id=1
         6000 A>B BYE to=t cseq=2",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         25 B:5000>A:4000 stun request id=2 username=aaaa:bbbb priority=yes fingerprint=good controlled=yes
         4000 A>B BYE to=t cseq=2",
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         6000 A>B BYE to=t cseq=2",
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         23 B:5000>A:4000 stun success id=1
         6000 A>B BYE to=t cseq=2",
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host line=a=candidate:2_1_UDP_255_198.51.100.16_6000_typ_relay_raddr_10.0.0.1_rport_4000
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes
         25 B:5000>A:4000 stun request id=2 username=aaaa:bbbb priority=yes fingerprint=good controlled=yes
         6000 A>B BYE to=t cseq=2",
    ],
    check: Check::Ice(check),
    ..Rule::BASE
};

/// Pairs that are told one by one.
const MAX_TOLD: usize = 3;

fn check(context: &IceContext<'_>, found: &mut Findings) {
    let (session, until) = (context.session, context.capture.until);
    // What went through a relay is unknown where its allocation was not captured.
    let is_seen = |(place, own): (usize, &IceAgent)| {
        let Some(described) = own.description.as_ref() else {
            return false;
        };
        let mut pairs = session.pairs.iter();
        !described.may_relay()
            || pairs.any(|own| own.checks.get(place).is_some_and(|own| own.is_relayed))
    };
    let is_heard = session.is_heard() && session.agents.iter().enumerate().all(is_seen);
    let has_media = context.streams.iter().any(|stream| stream.packets > 50);
    if session.pairs.is_empty() || !session.is_failed(until) || !is_heard || has_media {
        return;
    }
    let told = session.pairs.iter().take(MAX_TOLD).map(|pair| {
        let why = pair
            .failure(until)
            .map_or("no answer", |(_, why)| why.name());
        format!("{} ({why})", ends(pair))
    });
    let told: Vec<String> = told.collect();
    let more = session.pairs.len().saturating_sub(MAX_TOLD);
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let relays = |own: &IceAgent| {
        let described = own.description.as_ref();
        described.is_none_or(IceDescription::may_relay)
    };
    let without = session.agents.iter().find(|own| !relays(own));
    let without = without.map(|own| format!("; {} offers no relay", called(own)));
    found.add(
        format!(
            "none of {} pairs works: {}{more}{}",
            session.pairs.len(),
            told.join(", "),
            without.unwrap_or_default()
        ),
        session.pairs.iter().map(|pair| pair.first),
    );
}
