//! A phone behind a NAT asked to be sent to at its inside address.
//!
//! That address means nothing outside: what is sent there is lost, and the phone hears
//! nothing.
//!
//! Fix: anchor the media at the proxy (rtpengine, rtpproxy), or let the phone use STUN or
//! ICE; the other side may also answer to where packets come from (symmetric RTP).

use crate::net::is_private;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "NAT005",
    name: "nat-unfriendly-sdp",
    severity: Severity::Error,
    rfc: "RFC 6314",
    section: "4.2",
    symptom: Some("one-way-audio"),
    causes: &["MED015"],
    source: include_str!("nat005.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=c=IN_IP4_10.0.0.1=>c=IN_IP4_192.168.9.9
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=250
         6000 A>B BYE to=t branch=9 cseq=2
         6001 B>A 200 to=t branch=9 cseq=2 method=BYE",
    ],
    accepts: &["0 A>B INVITE sdp=4000
         20 B>A 200 to=t sdp=5000
         30 A>B ACK branch=2 to=t
         40 A:4000>B:5000 rtp n=250
         6000 A>B BYE to=t branch=9 cseq=2
         6001 B>A 200 to=t branch=9 cseq=2 method=BYE"],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for media in &context.media {
        let (who, address) = match media.audio.as_deref() {
            Some("caller-hears-nothing") => ("caller", &media.caller),
            Some("callee-hears-nothing") => ("callee", &media.callee),
            _ => continue,
        };
        let Some(own) = address
            .as_deref()
            .and_then(|own| own.parse::<std::net::SocketAddr>().ok())
        else {
            continue;
        };
        let ip = own.ip();
        if !is_private(ip) || !super::med015::is_proved(context, media) {
            continue;
        }
        // Where it was seen to come from elsewhere, a NAT lies between.
        let named = context.descriptions().find(|(_, own)| {
            own.media
                .iter()
                .any(|own_media| own.address(own_media) == Some(ip))
        });
        let Some((message, description)) = named else {
            continue;
        };
        let outside = context.messages.iter().find_map(|own| {
            let views = context
                .call()
                .transactions
                .get(own.kept.transaction)
                .map(|own| own.views.as_slice())
                .unwrap_or_default();
            let is_same = own.from_tag == message.from_tag
                && own.cseq == message.cseq
                && own.is_request() == message.is_request();
            let source = own.flow().src.ip;
            let others = views.iter().filter(|(_, flow)| flow.dst.ip != ip);
            let mut sources = std::iter::once(source).chain(others.map(|(_, flow)| flow.src.ip));
            sources.find(|source| is_same && *source != ip)
        });
        if let Some(outside) = outside {
            let part = description
                .media
                .iter()
                .find_map(|own| description.connection(own))
                .unwrap_or_default();
            found.quote(
                message,
                part,
                format!(
                    "the {who} asks to be sent to at {own}, which is not reachable outside its NAT \
                     ({outside})"
                ),
            );
            found.by(who);
            found.fix(format!(
                "{ip} can't be reached from outside: anchor the media at the proxy (rtpengine, \
                 rtpproxy), let the phone use STUN or ICE, or let the other side answer to where \
                 packets come from (symmetric RTP, RFC 4961)"
            ));
            return;
        }
    }
}
