//! A browser, or what speaks like one, sends media without renewing the consent to them.
//!
//! Each side asks on the selected pair every 4 to 6 seconds whether it is still welcome, and
//! stops after 30 seconds without a good answer. Indications and media are no consent.
//!
//! Fix: let the program check the selected pair every 5 seconds.

use crate::rules::ice::{CONSENT_NS, called, seconds, sending};
use crate::rules::{Check, Findings, IceContext, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "ICE014",
    name: "consent-missing",
    severity: Severity::Warning,
    rfc: "RFC 7675",
    section: "5.1",
    source: include_str!("ice014.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVPF line=a=fingerprint:sha-256_AA:BB line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVPF line=a=fingerprint:sha-256_AA:BB line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         1000 A:4000>B:5000 rtp n=1600 pt=0",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         1000 A:4000>B:5000 rtp n=1600 pt=0",
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVPF line=a=fingerprint:sha-256_AA:BB line=a=ice-ufrag:aaaa line=a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa line=a=candidate:1_1_UDP_2130706431_10.0.0.1_4000_typ_host
         10 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVPF line=a=fingerprint:sha-256_AA:BB line=a=ice-ufrag:bbbb line=a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb line=a=candidate:1_1_UDP_2130706431_10.0.0.2_5000_typ_host
         11 A>B ACK to=t
         20 A:4000>B:5000 stun request id=1 username=bbbb:aaaa priority=yes fingerprint=good controlling=yes nominate=yes
         22 B:5000>A:4000 stun success id=1
         1000 A:4000>B:5000 rtp n=100 pt=0",
    ],
    check: Check::Ice(check),
    ..Rule::BASE
};

fn check(context: &IceContext<'_>, found: &mut Findings) {
    for own in sending(context) {
        let is_webrtc = own
            .agent
            .description
            .as_ref()
            .is_some_and(|own| own.is_webrtc);
        let renewed = own.checks.last_sent.max(own.pair.nominated);
        let without = renewed.map(|renewed| own.stream.last.since(renewed));
        let Some(without) = without.filter(|without| *without > CONSENT_NS) else {
            continue;
        };
        // Where consent was renewed before, its end is another matter.
        let ever = own.checks.last_sent > own.pair.nominated;
        if is_webrtc && !ever {
            found.add(
                format!(
                    "{} sends media for {:.0} s without asking for consent",
                    called(own.agent),
                    seconds(without)
                ),
                [own.stream.first],
            );
            found.by(own.stream.flow.src.ip.to_string());
        }
    }
}
