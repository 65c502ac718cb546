//! One side of an RTP session: what it sends, what it hears, and the reports on
//! both (RFC 3550, 6).

use rtcp_types::{
    Bye, CompoundBuilder, ReceiverReport, ReportBlock as Block, ReportBlockBuilder,
    RtcpPacketWriterExt as _, Sdes, SdesChunk, SdesItem, SenderReport,
};

use super::g711::Law;
use super::rtcp::{ReportBlock, RtcpPacket, walk};
use super::{Jitter, Receiver, ReceiverReport as Counts, RtpPacket};
use crate::net::Endpoint;
use crate::time::Timestamp;

/// Sources that are told apart; of more it is only counted that they send.
const MAX_SOURCES: usize = 4;
/// From 1900 to 1970 (RFC 5905, 6).
const NTP_OFFSET_S: u64 = 2_208_988_800;
/// Octets of a report that is written.
const MAX_REPORT: usize = 512;
/// SDES CNAME (RFC 3550, 6.5.1).
const CNAME: u8 = 1;

/// Somebody who is heard.
#[derive(Clone, Debug)]
pub struct Source {
    /// From where.
    pub from: Endpoint,
    /// Who.
    pub ssrc: u32,
    /// Packets, copies too.
    pub packets: u64,
    /// When the first came.
    pub first: Timestamp,
    /// When the last came.
    pub last: Timestamp,
    receiver: Receiver,
    jitter: Jitter,
    /// The sender's last report: its clock, and when it came.
    reported: Option<(u32, Timestamp)>,
    /// Expected and lost when the last report on it was made.
    before: (u64, u64),
}

impl Source {
    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.receiver.clone().finish()
    }

    /// The mean jitter, in milliseconds.
    #[must_use]
    pub fn jitter_ms(&self) -> Option<f64> {
        self.jitter.mean_ms()
    }
}

/// What the far side reported of what it heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reported {
    /// It.
    pub block: ReportBlock,
    /// There and back, less what the far side waited, in milliseconds.
    pub round_trip_ms: Option<f64>,
}

/// The session.
#[derive(Debug)]
pub struct Session {
    /// Its own source.
    pub ssrc: u32,
    cname: String,
    clock_rate: u32,
    sequence_number: u16,
    /// Packets sent.
    pub packets: u32,
    octets: u32,
    /// The last packet's time, in ticks and by the clock.
    last_sent: Option<(u32, Timestamp)>,
    /// Who is heard.
    pub sources: Vec<Source>,
    /// Packets of further sources.
    pub others: u64,
    /// The far side's last report on this one.
    pub reported: Option<Reported>,
}

impl Session {
    /// One that has sent nothing.
    #[must_use]
    pub const fn new(ssrc: u32, sequence_number: u16, clock_rate: u32, cname: String) -> Self {
        Self {
            ssrc,
            cname,
            clock_rate,
            sequence_number,
            packets: 0,
            octets: 0,
            last_sent: None,
            sources: Vec::new(),
            others: 0,
            reported: None,
        }
    }

    /// The next packet.
    pub fn packet(
        &mut self,
        now: Timestamp,
        payload_type: u8,
        marker: bool,
        ticks: u32,
        payload: &[u8],
    ) -> Vec<u8> {
        let mut packet = Vec::with_capacity(payload.len().saturating_add(12));
        packet.push(0x80);
        packet.push(u8::from(marker) << 7 | payload_type & 0x7f);
        packet.extend(self.sequence_number.to_be_bytes());
        packet.extend(ticks.to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        packet.extend(payload);
        self.sequence_number = self.sequence_number.wrapping_add(1);
        self.packets = self.packets.wrapping_add(1);
        let length = u32::try_from(payload.len()).unwrap_or_default();
        self.octets = self.octets.wrapping_add(length);
        self.last_sent = Some((ticks, now));
        packet
    }

    /// Counts a packet that came.
    pub fn received(&mut self, now: Timestamp, from: Endpoint, packet: &RtpPacket<'_>) {
        let is_own = |own: &&mut Source| own.ssrc == packet.ssrc && own.from == from;
        if let Some(source) = self.sources.iter_mut().find(is_own) {
            source.packets = source.packets.saturating_add(1);
            source.last = now;
            source.receiver.packet(packet.sequence_number);
            // The time of a digit stands still while it lasts (RFC 4733, 2.2).
            if Law::of(packet.payload_type).is_some() {
                source.jitter.packet(now, packet.timestamp);
            }
            return;
        }
        if self.sources.len() >= MAX_SOURCES {
            self.others = self.others.saturating_add(1);
            return;
        }
        let mut jitter = Jitter::new(self.clock_rate);
        if Law::of(packet.payload_type).is_some() {
            jitter.packet(now, packet.timestamp);
        }
        self.sources.push(Source {
            from,
            ssrc: packet.ssrc,
            packets: 1,
            first: now,
            last: now,
            receiver: Receiver::new(packet.sequence_number),
            jitter,
            reported: None,
            before: (0, 0),
        });
    }

    /// The sequence number of the next packet.
    #[must_use]
    pub const fn next_sequence_number(&self) -> u16 {
        self.sequence_number
    }

    /// The source that sent most.
    #[must_use]
    pub fn main(&self) -> Option<&Source> {
        self.sources.iter().max_by_key(|own| own.packets)
    }

    /// Takes reports; says whether a sender's was among them.
    pub fn reports(&mut self, now: Timestamp, octets: &[u8]) -> bool {
        let mut is_sender = false;
        walk(octets, |packet| match packet {
            RtcpPacket::SenderReport { ssrc, ntp_middle } => {
                is_sender = true;
                for source in self.sources.iter_mut().filter(|own| own.ssrc == ssrc) {
                    source.reported = Some((ntp_middle, now));
                }
            }
            // A report on oneself is an echo, and tells nothing.
            RtcpPacket::Report { block, reporter }
                if block.ssrc == self.ssrc && reporter != self.ssrc =>
            {
                let waited = block.last_sr.wrapping_add(block.delay_since_last_sr);
                let passed = ntp_middle(now).wrapping_sub(waited);
                // More than a minute is a clock that is wrong.
                let is_known = block.last_sr != 0 && passed < 60 << 16;
                let round_trip_ms = is_known.then(|| f64::from(passed) / 65.536);
                self.reported = Some(Reported {
                    block,
                    round_trip_ms,
                });
            }
            _ => {}
        });
        is_sender
    }

    /// A report on what was sent and heard; `leaving` says goodbye.
    #[must_use]
    pub fn report(&mut self, now: Timestamp, leaving: bool) -> Vec<u8> {
        let heard = self.sources.iter_mut().max_by_key(|own| own.packets);
        let block = heard.map(|own| block(own, now, self.clock_rate));
        let chunk = SdesChunk::builder(self.ssrc).add_item(SdesItem::builder(CNAME, &self.cname));
        let description = Sdes::builder().add_chunk(chunk);
        let compound = CompoundBuilder::default();
        let compound = match self.last_sent {
            Some((ticks, at)) => {
                let passed = u64::try_from(now.since(at)).unwrap_or_default();
                let passed = passed.saturating_mul(u64::from(self.clock_rate)) / 1_000_000_000;
                let passed = u32::try_from(passed).unwrap_or_default();
                let mut report = SenderReport::builder(self.ssrc)
                    .ntp_timestamp(ntp(now))
                    .rtp_timestamp(ticks.wrapping_add(passed))
                    .packet_count(self.packets)
                    .octet_count(self.octets);
                if let Some(block) = block {
                    report = report.add_report_block(block);
                }
                compound.add_packet(report)
            }
            None => {
                let mut report = ReceiverReport::builder(self.ssrc);
                if let Some(block) = block {
                    report = report.add_report_block(block);
                }
                compound.add_packet(report)
            }
        };
        let compound = compound.add_packet(description);
        let compound = if leaving {
            compound.add_packet(Bye::builder().add_source(self.ssrc))
        } else {
            compound
        };
        let mut octets = vec![0; MAX_REPORT];
        // A CNAME of at most 255 octets and one block always have room.
        let length = compound.write_into(&mut octets).unwrap_or_default();
        octets.truncate(length);
        octets
    }
}

/// What is reported on a source (RFC 3550, A.3).
fn block(source: &mut Source, now: Timestamp, clock_rate: u32) -> ReportBlockBuilder {
    let counts = source.counts();
    let (expected, lost) = (counts.expected, counts.lost);
    let expected_since = expected.saturating_sub(source.before.0);
    let lost_since = lost.saturating_sub(source.before.1);
    source.before = (expected, lost);
    let fraction = lost_since
        .saturating_mul(256)
        .checked_div(expected_since)
        .unwrap_or_default();
    let (last_sr, delay) = source.reported.map_or((0, 0), |(ntp, at)| {
        let passed = u64::try_from(now.since(at)).unwrap_or_default();
        let delay = passed.saturating_mul(65_536) / 1_000_000_000;
        (ntp, u32::try_from(delay).unwrap_or(u32::MAX))
    });
    let jitter_ms = source.jitter.mean_ms().unwrap_or_default();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a jitter is positive, and casts of floats saturate"
    )]
    let jitter = (jitter_ms * f64::from(clock_rate) / 1000.0) as u32;
    Block::builder(source.ssrc)
        .fraction_lost(u8::try_from(fraction).unwrap_or(u8::MAX))
        .cumulative_lost(u32::try_from(lost).unwrap_or(u32::MAX).min(0x7f_ffff))
        .extended_sequence_number(source.receiver.extended_highest())
        .interarrival_jitter(jitter)
        .last_sender_report_timestamp(last_sr)
        .delay_since_last_sender_report_timestamp(delay)
}

fn ntp(now: Timestamp) -> u64 {
    let nanos = now.as_nanos();
    let seconds = (nanos / 1_000_000_000).wrapping_add(NTP_OFFSET_S);
    let fraction = ((nanos % 1_000_000_000) << 32) / 1_000_000_000;
    seconds << 32 | fraction
}

fn ntp_middle(now: Timestamp) -> u32 {
    u32::try_from(ntp(now) >> 16 & 0xffff_ffff).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::looks_like_rtcp;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_nanos(1_700_000_000_000_000_000 + ms * 1_000_000)
    }

    #[test]
    fn both_sides_report_what_was_lost_between_them() {
        let mut near = Session::new(1, 65_500, 8000, "near".to_owned());
        let mut far = Session::new(2, 7, 8000, "far".to_owned());
        let from = Endpoint::default();
        let mut lost = 0;
        for turn in 0..500_u32 {
            let now = at(u64::from(turn) * 20);
            let octets = near.packet(now, 0, turn == 0, turn * 160, &[0xff; 160]);
            if turn % 10 == 3 {
                lost += 1;
                continue;
            }
            let packet = RtpPacket::parse(&octets).expect("RTP");
            assert_eq!((packet.ssrc, packet.payload.len()), (1, 160));
            far.received(now, from, &packet);
        }
        let report = near.report(at(10_000), false);
        assert!(looks_like_rtcp(&report));
        assert!(far.reports(at(10_030), &report));
        let answer = far.report(at(10_130), true);
        assert!(!near.reports(at(10_160), &answer));
        let reported = near.reported.expect("a report");
        assert_eq!(reported.block.cumulative_packets_lost, lost);
        assert_eq!(reported.block.fraction_lost, 25);
        assert_eq!(
            reported.block.extended_highest_sequence_number,
            65_500 + 499
        );
        let round_trip = reported.round_trip_ms.expect("known");
        assert!((round_trip - 60.0).abs() < 0.1, "{round_trip}");
        // What comes back as it went tells nothing.
        let own = near.report(at(10_200), false);
        near.reported = None;
        near.reports(at(10_210), &own);
        assert_eq!(near.reported, None);
    }

    #[test]
    fn m085_sources_are_told_apart_and_bounded() {
        let mut session = Session::new(1, 0, 8000, "x".to_owned());
        for ssrc in 0..100 {
            for turn in 0..=ssrc % 3 {
                let mut other = Session::new(ssrc, 0, 8000, String::new());
                let octets = other.packet(at(turn.into()), 0, false, 0, &[0; 10]);
                let packet = RtpPacket::parse(&octets).expect("RTP");
                session.received(at(turn.into()), Endpoint::default(), &packet);
            }
        }
        assert_eq!(session.sources.len(), MAX_SOURCES);
        assert_eq!(
            session.main().map(|own| (own.ssrc, own.packets)),
            Some((2, 3))
        );
        assert!(session.others > 150);
    }
}
