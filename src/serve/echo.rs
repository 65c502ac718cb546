//! RTP that goes back to who sends it.

use std::net::IpAddr;

use crate::net::Endpoint;
use crate::rtp::session::Session;
use crate::rtp::{RtpPacket, looks_like_rtcp};
use crate::time::Timestamp;

/// What one call's media is echoed by: a source of its own, that counts what it
/// hears and reports on it when it is reported to.
#[derive(Debug)]
pub(super) struct Echo {
    session: Session,
    /// Who may be sent to: the address of the description, and the signalling's.
    allowed: [IpAddr; 2],
    /// When the last packet came.
    pub last: Timestamp,
    /// Packets that may be answered now.
    tokens: f64,
}

/// Packets of a call that are answered in a second, and at once: four times what a
/// call sends.
const MAX_RATE: f64 = 200.0;
const BURST: f64 = 50.0;

impl Echo {
    pub(super) fn new(now: Timestamp, allowed: [IpAddr; 2], rng: &mut fastrand::Rng) -> Self {
        let cname = format!("echo@{:08x}", rng.u32(..));
        Self {
            session: Session::new(rng.u32(..), rng.u16(..), 8000, cname),
            allowed,
            last: now,
            tokens: BURST,
        }
    }

    /// Takes what came to the port of RTP or of RTCP; hands back what goes to its
    /// sender.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        from: Endpoint,
        octets: &[u8],
    ) -> Option<Vec<u8>> {
        if !self.allowed.contains(&from.ip) {
            return None;
        }
        let passed = now.millis_since(self.last) / 1000.0;
        self.last = now;
        self.tokens = (self.tokens + passed * MAX_RATE).min(BURST);
        if self.tokens < 1.0 {
            return None;
        }
        self.tokens -= 1.0;
        if looks_like_rtcp(octets) {
            let is_sender = self.session.reports(now, octets);
            return is_sender.then(|| self.session.report(now, false));
        }
        let packet = RtpPacket::parse(octets)?;
        self.session.received(now, from, &packet);
        let (kind, marker, ticks) = (packet.payload_type, packet.marker, packet.timestamp);
        Some(
            self.session
                .packet(now, kind, marker, ticks, packet.payload),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m085_only_who_was_named_is_sent_to() {
        let ip = |text: &str| -> IpAddr { text.parse().expect("an address") };
        let now = Timestamp::from_nanos(1_700_000_000_000_000_000);
        let allowed = [ip("192.0.2.1"), ip("192.0.2.2")];
        let mut echo = Echo::new(now, allowed, &mut fastrand::Rng::with_seed(1));
        let mut near = Session::new(9, 0, 8000, "near".to_owned());
        let mut take =
            |from: &str, octets: &[u8]| echo.take(now, Endpoint::new(ip(from), 4000), octets);
        let packet = near.packet(now, 0, true, 5, b"sound");
        let back = take("192.0.2.1", &packet).expect("an echo");
        let back = RtpPacket::parse(&back).expect("RTP");
        assert_eq!(
            (back.payload, back.timestamp, back.marker),
            (&b"sound"[..], 5, true)
        );
        assert_ne!(back.ssrc, 9);
        assert!(take("192.0.2.2", &packet).is_some());
        assert_eq!(take("192.0.2.3", &packet), None);
        assert_eq!(take("192.0.2.1", b"nonsense"), None);
        // Who reports is reported to, and no answer answers an answer.
        let answer = take("192.0.2.1", &near.report(now, false)).expect("a report");
        assert!(looks_like_rtcp(&answer));
        let mut silent = Session::new(10, 0, 8000, "silent".to_owned());
        assert_eq!(take("192.0.2.1", &silent.report(now, false)), None);
    }

    #[test]
    fn m085_ten_times_the_rate_is_not_echoed() {
        let ip: IpAddr = "192.0.2.1".parse().expect("an address");
        let at = |ms: i64| Timestamp::from_nanos(1_700_000_000_000_000_000).offset(ms * 1_000_000);
        let mut echo = Echo::new(at(0), [ip, ip], &mut fastrand::Rng::with_seed(1));
        let mut near = Session::new(9, 0, 8000, "near".to_owned());
        let mut count = |pace: i64, from: i64| {
            let sent = (0..1000 / pace).filter(|own| {
                let now = at(from + own * pace);
                let octets = near.packet(now, 0, false, 0, b"sound");
                echo.take(now, Endpoint::new(ip, 4000), &octets).is_some()
            });
            sent.count()
        };
        assert_eq!(count(20, 0), 50);
        assert_eq!(count(10, 2000), 100);
        let most = count(1, 4000);
        assert!((200..=260).contains(&most), "{most}");
    }
}
