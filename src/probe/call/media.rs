//! The media of a test call: a tone and digits at the exact pace, and what comes
//! back (RFC 3550, RFC 4733).

use std::net::IpAddr;

use super::tone::{RATE, Tone};
use crate::metrics::quality;
use crate::net::Endpoint;
use crate::report::{CallDirection, rounded};
use crate::rtp::dtmf::TelephoneEvent;
use crate::rtp::g711::Law;
use crate::rtp::session::Session;
use crate::rtp::{RtpPacket, looks_like_rtcp};
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// A packet each 20 ms.
const PACE_NS: i64 = 20 * MILLISECOND;
/// Packets that are made up for at once, where the clock ran ahead.
const MAX_LATE: i64 = 5;
/// The first report, and from one to the next (RFC 3550, 6.2).
const FIRST_REPORT_NS: i64 = 2500 * MILLISECOND;
const REPORTS_NS: i64 = 5 * SECOND;
/// Frames of tone before the first digit, and between digits.
const BEFORE_DIGITS: u32 = 25;
const BETWEEN_DIGITS: u32 = 4;
/// A digit lasts so many packets, and its end is told thrice (RFC 4733, 2.5.1.4).
const DIGIT_FRAMES: u32 = 8;
const DIGIT_PACKETS: u32 = DIGIT_FRAMES + 2;
/// Ticks of a frame.
const FRAME_TICKS: u32 = 160;

/// What is sent, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    Rtp,
    Rtcp,
}

/// Where media go, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    pub rtp: Endpoint,
    pub rtcp: Endpoint,
    pub payload_type: u8,
    pub dtmf: Option<u8>,
    /// Whether it takes what is sent.
    pub listens: bool,
}

/// The media.
#[derive(Debug)]
pub(super) struct Media {
    session: Session,
    pub tone: Tone,
    /// A frame of it; all are alike.
    sound: Vec<u8>,
    remote: Option<Remote>,
    /// The signalling's address: media may come from there too.
    server: IpAddr,
    /// Digits that are still to be sent.
    digits: Vec<u8>,
    pub digits_sent: u64,
    event: Option<Event>,
    pause: u32,
    first_ticks: u32,
    frames: u32,
    next: Option<Timestamp>,
    next_report: Option<Timestamp>,
    pub first_sent: Option<Timestamp>,
    heard: [u64; 3],
    digits_back: Vec<u32>,
    /// Packets of others than who was named.
    pub strangers: u64,
    /// Whether our own packets came back as they went.
    is_reflected: bool,
}

/// A digit that is being sent.
#[derive(Clone, Copy, Debug)]
struct Event {
    code: u8,
    ticks: u32,
    sent: u32,
}

impl Media {
    pub(super) fn new(server: IpAddr, mut digits: Vec<u8>, rng: &mut fastrand::Rng) -> Self {
        digits.reverse();
        let cname = format!("probe@{:08x}", rng.u32(..));
        Self {
            session: Session::new(rng.u32(..), rng.u16(..0x8000), RATE, cname),
            tone: Tone::choose(rng),
            sound: Vec::new(),
            remote: None,
            server,
            digits,
            digits_sent: 0,
            event: None,
            pause: BEFORE_DIGITS,
            first_ticks: rng.u32(..),
            frames: 0,
            next: None,
            next_report: None,
            first_sent: None,
            heard: [0; 3],
            digits_back: Vec::new(),
            strangers: 0,
            is_reflected: false,
        }
    }

    /// Sends to somebody from now on.
    pub(super) fn start(&mut self, now: Timestamp, remote: Remote) {
        if self.remote.as_ref().map(|own| own.payload_type) != Some(remote.payload_type) {
            let law = Law::of(remote.payload_type).unwrap_or(Law::Mu);
            self.sound = self.tone.frame(law);
        }
        if self.next.is_none() {
            self.next = Some(now);
            self.next_report = Some(now.offset(FIRST_REPORT_NS));
        }
        self.remote = Some(remote);
    }

    pub(super) const fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }

    /// Sends no more.
    pub(super) const fn stop(&mut self) {
        self.next = None;
        self.next_report = None;
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.next.into_iter().chain(self.next_report).min()
    }

    /// What is due.
    pub(super) fn send_due(&mut self, now: Timestamp, out: &mut Vec<(To, Endpoint, Vec<u8>)>) {
        let Some(remote) = self.remote.clone() else {
            return;
        };
        if let Some(next) = self.next.filter(|next| *next <= now) {
            let late = now.since(next) / PACE_NS;
            // What can't be made up for is time that passed without sound.
            let skipped = (late - MAX_LATE).max(0);
            let first = next.offset(skipped * PACE_NS);
            self.frames = (self.frames).wrapping_add(u32::try_from(skipped).unwrap_or_default());
            let count = late - skipped + 1;
            for _ in 0..count {
                if remote.listens {
                    let packet = self.frame(now, &remote);
                    self.first_sent.get_or_insert(now);
                    out.push((To::Rtp, remote.rtp, packet));
                }
                self.frames = self.frames.wrapping_add(1);
            }
            self.next = Some(first.offset(count * PACE_NS));
        }
        if self.next_report.is_some_and(|next| next <= now) {
            self.next_report = Some(now.offset(REPORTS_NS));
            out.push((To::Rtcp, remote.rtcp, self.session.report(now, false)));
        }
    }

    /// A report out of turn; the last says goodbye.
    pub(super) fn report(&mut self, now: Timestamp, leaving: bool) -> Option<(Endpoint, Vec<u8>)> {
        let to = self.remote.as_ref()?.rtcp;
        Some((to, self.session.report(now, leaving)))
    }

    fn frame(&mut self, now: Timestamp, remote: &Remote) -> Vec<u8> {
        let ticks = (self.first_ticks).wrapping_add(self.frames.wrapping_mul(FRAME_TICKS));
        let is_first = self.session.packets == 0;
        if let Some(dtmf) = remote.dtmf {
            if self.event.is_none() && self.pause == 0 {
                let code = self.digits.pop();
                self.event = code.map(|code| Event {
                    code,
                    ticks,
                    sent: 0,
                });
            }
            if let Some(mut event) = self.event {
                event.sent += 1;
                let lasted = event.sent.min(DIGIT_FRAMES) * FRAME_TICKS;
                let [high, low] = u16::try_from(lasted).unwrap_or(u16::MAX).to_be_bytes();
                let end = if event.sent >= DIGIT_FRAMES { 0x80 } else { 0 };
                let is_over = event.sent >= DIGIT_PACKETS;
                self.event = (!is_over).then_some(event);
                if is_over {
                    self.pause = BETWEEN_DIGITS;
                    self.digits_sent += 1;
                }
                let payload = [event.code, end | 10, high, low];
                let marker = event.sent == 1;
                return (self.session).packet(now, dtmf, marker, event.ticks, &payload);
            }
            self.pause = self.pause.saturating_sub(1);
        }
        (self.session).packet(now, remote.payload_type, is_first, ticks, &self.sound)
    }

    /// Takes what came to a media port.
    pub(super) fn received(&mut self, now: Timestamp, from: Endpoint, octets: &[u8]) {
        let named = self.remote.as_ref().map(|own| own.rtp.ip);
        let is_known = named == Some(from.ip) || from.ip == self.server;
        if !is_known {
            self.strangers = self.strangers.saturating_add(1);
            return;
        }
        if looks_like_rtcp(octets) {
            self.session.reports(now, octets);
            return;
        }
        let Some(packet) = RtpPacket::parse(octets) else {
            self.strangers = self.strangers.saturating_add(1);
            return;
        };
        self.is_reflected |= packet.ssrc == self.session.ssrc;
        self.session.received(now, from, &packet);
        let dtmf = self.remote.as_ref().and_then(|own| own.dtmf);
        if Some(packet.payload_type) == dtmf {
            let event = TelephoneEvent::parse(packet.payload);
            let is_new = !self.digits_back.contains(&packet.timestamp);
            if event.is_some_and(|own| own.end) && is_new && self.digits_back.len() < 64 {
                self.digits_back.push(packet.timestamp);
            }
        } else if let Some(law) = Law::of(packet.payload_type) {
            let sound = self.tone.recognize(law, packet.payload);
            if let Some(count) = self.heard.get_mut(sound as usize) {
                *count = count.saturating_add(1);
            }
        }
    }

    pub(super) fn digits_back(&self) -> u64 {
        self.digits_back.len() as u64
    }

    /// Packets heard of who was heard most.
    pub(super) fn packets_heard(&self) -> u64 {
        self.session.main().map_or(0, |own| own.packets)
    }

    pub(super) fn first_heard(&self) -> Option<Timestamp> {
        self.session.sources.iter().map(|own| own.first).min()
    }

    pub(super) fn heard_from(&self) -> Option<Endpoint> {
        self.session.main().map(|own| own.from)
    }

    /// Packets of sources beyond those that are told apart.
    pub(super) const fn others(&self) -> u64 {
        self.session.others
    }

    pub(super) fn sources(&self) -> u64 {
        self.session.sources.len() as u64
    }

    /// What most of what came sounds like; and the share of our own tone.
    pub(super) fn sound(&self) -> (&'static str, Option<f64>) {
        let [tone, other, silence] = self.heard;
        let all = tone + other + silence;
        if all == 0 {
            return ("nothing", None);
        }
        #[expect(clippy::cast_precision_loss, reason = "packets are few")]
        let share = rounded(tone as f64 / all as f64, 3);
        // A conference, or a line with losses, may cut into it.
        let word = if tone * 2 >= all {
            "own-tone"
        } else if silence * 10 >= all * 9 {
            "silence"
        } else {
            "other"
        };
        (word, Some(share))
    }

    pub(super) fn round_trip_ms(&self) -> Option<f64> {
        let round_trip = self.session.reported?.round_trip_ms?;
        Some(rounded(round_trip, 3))
    }

    /// What went to the other side, as far as its reports tell.
    pub(super) fn outward(&self, codec: &str) -> CallDirection {
        let packets = u64::from(self.session.packets);
        let Some(reported) = self.session.reported else {
            return CallDirection {
                packets,
                ..CallDirection::default()
            };
        };
        let block = reported.block;
        let lost = u64::try_from(block.cumulative_packets_lost).unwrap_or_default();
        let first = self.first_sequence();
        let highest = block.extended_highest_sequence_number & 0xffff;
        let expected = u64::from(highest.wrapping_sub(first) & 0xffff) + 1;
        let jitter_ms = f64::from(block.interarrival_jitter) * 1000.0 / f64::from(RATE);
        let basis = "far end's reports (RTCP)";
        direction(codec, packets, expected, lost, Some(jitter_ms), 1.0, basis)
    }

    fn first_sequence(&self) -> u32 {
        let next = u32::from(self.session.next_sequence_number());
        next.wrapping_sub(self.session.packets) & 0xffff
    }

    /// What came.
    pub(super) fn inward(&self, codec: &str) -> CallDirection {
        let Some(source) = self.session.main() else {
            return CallDirection::default();
        };
        let counts = source.counts();
        #[expect(clippy::cast_precision_loss, reason = "packets are few")]
        let burst = counts.lost as f64 / counts.loss_bursts.max(1) as f64;
        let basis = match self.is_reflected {
            true => "our own packets, there and back",
            false => "sequence numbers received",
        };
        let (packets, jitter) = (source.packets, source.jitter_ms());
        direction(
            codec,
            packets,
            counts.expected,
            counts.lost,
            jitter,
            burst,
            basis,
        )
    }
}

/// Media one way, rated as G.711 is.
pub(in crate::probe) fn direction(
    codec: &str,
    packets: u64,
    expected: u64,
    lost: u64,
    jitter_ms: Option<f64>,
    burst: f64,
    basis: &str,
) -> CallDirection {
    #[expect(clippy::cast_precision_loss, reason = "packets are few")]
    let loss = lost as f64 / expected.max(1) as f64;
    let quality = quality(codec, loss, burst);
    CallDirection {
        packets,
        expected: Some(expected),
        lost: Some(lost),
        loss_percent: Some(rounded(loss * 100.0, 2)),
        jitter_ms: jitter_ms.map(|own| rounded(own, 3)),
        r_factor: quality.map(|own| rounded(own.r_factor, 1)),
        mos: quality.map(|own| rounded(own.mos, 2)),
        basis: Some(basis.to_owned()),
    }
}

/// A digit's event (RFC 4733, 3.2).
#[must_use]
pub fn event(digit: char) -> Option<u8> {
    let code = match digit.to_ascii_uppercase() {
        '*' => 10,
        '#' => 11,
        letter @ 'A'..='D' => u32::from(letter) - u32::from('A') + 12,
        digit => digit.to_digit(10)?,
    };
    u8::try_from(code).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000_000_000;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_nanos(START + ms * 1_000_000)
    }

    fn endpoint(text: &str) -> Endpoint {
        let address: std::net::SocketAddr = text.parse().expect("an endpoint");
        Endpoint::new(address.ip(), address.port())
    }

    fn media(digits: &str) -> Media {
        let digits = digits.chars().filter_map(event).collect();
        let server = endpoint("192.0.2.1:5060").ip;
        let mut media = Media::new(server, digits, &mut fastrand::Rng::with_seed(3));
        let remote = Remote {
            rtp: endpoint("192.0.2.2:4000"),
            rtcp: endpoint("192.0.2.2:4001"),
            payload_type: 8,
            dtmf: Some(101),
            listens: true,
        };
        media.start(at(0), remote);
        media
    }

    #[test]
    fn packets_keep_the_pace_however_late_the_clock_is() {
        let check = |wakes: &[u64], expected: usize| {
            let (mut media, mut out) = (media(""), Vec::new());
            for now in wakes {
                media.send_due(at(*now), &mut out);
            }
            let rtp: Vec<&Vec<u8>> = (out.iter().filter(|own| own.0 == To::Rtp))
                .map(|own| &own.2)
                .collect();
            assert_eq!(rtp.len(), expected, "{wakes:?}");
            let last = RtpPacket::parse(rtp[expected - 1]).expect("RTP");
            let passed = last.timestamp.wrapping_sub(media.first_ticks) / 160;
            assert_eq!(u64::from(passed), wakes[wakes.len() - 1] / 20, "{wakes:?}");
        };
        check(&[0], 1);
        check(&[0, 19], 1);
        check(&[0, 20, 40, 60], 4);
        // Late, and caught up with; too late, and time is left out.
        check(&[0, 100], 6);
        check(&[0, 1000], 7);
    }

    #[test]
    fn digits_are_sent_as_events_and_counted_when_they_come_back() {
        let (mut media, mut out) = (media("1#"), Vec::new());
        for turn in 0..100 {
            media.send_due(at(turn * 20), &mut out);
        }
        let from = endpoint("192.0.2.2:4000");
        let mut events = Vec::new();
        for (_, _, octets) in out.iter().filter(|own| own.0 == To::Rtp) {
            let packet = RtpPacket::parse(octets).expect("RTP");
            if packet.payload_type == 101 {
                let event = TelephoneEvent::parse(packet.payload).expect("an event");
                events.push((event.digit(), event.end, event.duration, packet.marker));
            }
            media.received(at(5000), from, octets);
        }
        let one = |digit: char| {
            let mut all: Vec<_> = (1..8)
                .map(|own| (Some(digit), false, own * 160, own == 1))
                .collect();
            all.extend([(Some(digit), true, 1280, false); 3]);
            all
        };
        assert_eq!(events, [one('1'), one('#')].concat());
        assert_eq!((media.digits_sent, media.digits_back()), (2, 2));
        assert_eq!(media.sound().0, "own-tone");
        assert!(media.is_reflected);
        assert_eq!(media.inward("PCMA").lost, Some(0));
        media.received(at(5000), endpoint("203.0.113.9:4000"), &out[0].2);
        assert_eq!(media.strangers, 1);
        assert_eq!("x1".chars().filter_map(event).count(), 1);
        assert_eq!(super::super::tone::FRAME, FRAME_TICKS as usize);
    }
}
