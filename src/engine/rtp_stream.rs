//! One RTP source on one flow.

use smallvec::SmallVec;

use super::media::Secured;
use super::session::Side;
use super::table::{Entry, Handle};
use crate::link::{Network, Tunnel};
use crate::net::Flow;
use crate::octets;
use crate::packet::{CapturePoint, PacketRef};
use crate::rtp::dtmf::TelephoneEvent;
use crate::rtp::rtcp::VoipMetrics;
use crate::rtp::{CLOCK_RATES, Jitter, Received, Receiver, ReceiverReport, RtpPacket};
use crate::time::{MILLISECOND, Timestamp, millis};

/// How a stream was tied to its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Association {
    /// It goes where a description said.
    Sdp,
    /// It comes from where a description said, to an address that a NAT gave.
    Nat,
    /// Connectivity checks named the user fragments of the descriptions.
    Ice,
    /// It passes between a client and its TURN server.
    Turn,
}

impl Association {
    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sdp => "sdp",
            Self::Nat => "nat",
            Self::Ice => "ice",
            Self::Turn => "turn",
        }
    }
}

/// A stream's place in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The call.
    pub call: Handle,
    /// Who receives.
    pub to: Side,
    /// Which medium.
    pub media: u8,
    /// How it is known.
    pub association: Association,
}

/// A digit that was heard of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Digit {
    /// Which.
    pub digit: char,
    /// When it began.
    pub at: Timestamp,
    /// Its length in ticks of the RTP clock.
    pub ticks: u16,
    /// Packets that said it was over (RFC 4733, 2.5.1.4).
    pub ends: u32,
    /// Whether a packet in order said that it had lasted less long than the one
    /// before.
    pub shrank: bool,
    rtp_timestamp: u32,
}

/// What the far end reported (RFC 3550, 6.4).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FarEnd {
    /// Reports on this source.
    pub reports: u64,
    /// Lost in all, as the far end counts.
    pub cumulative_lost: i64,
    /// Expected in all, as the far end counts.
    pub expected: i64,
    /// The last jitter, in ticks.
    pub jitter_ticks: u32,
    /// From here to the far end and back, by the last report.
    pub rtt_ms: Option<f64>,
    /// Expected and lost as captured, when it last reported.
    pub captured: (u64, u64),
    /// What its extended report says of the call's quality.
    pub metrics: Option<VoipMetrics>,
    /// Packets that it asked for again (RFC 4585, 6.2.1), requests counted.
    pub nacks: u64,
    /// Whole pictures that it asked for (RFC 4585, 6.3.1; RFC 5104, 4.3.1).
    pub picture_requests: u64,
}

impl FarEnd {
    pub(super) fn feedback(&mut self, kind: u8, format: u8) {
        match (kind, format) {
            (205, 1) => self.nacks = self.nacks.saturating_add(1),
            (206, 1 | 4) => self.picture_requests = self.picture_requests.saturating_add(1),
            _ => {}
        }
    }
}

/// What a source says of itself over RTCP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelfDescription {
    /// The name that stays the same over its streams (CNAME).
    pub cname: Option<String>,
    /// The program (TOOL).
    pub tool: Option<String>,
    /// When it said that it leaves.
    pub left: Option<Timestamp>,
    /// Why.
    pub left_because: Option<String>,
    /// Names of packets of an application's own.
    pub applications: Vec<String>,
}

/// Names of applications' packets that are told apart.
const MAX_APPLICATIONS: usize = 8;

/// One RTP source on one flow at one capture point.
///
/// What every packet touches stands first and together: with some hundred streams, each
/// packet is of another one, and each line of the cache that it needs is fetched anew.
#[derive(Debug)]
#[repr(C)]
pub struct RtpStream {
    /// Packets captured.
    pub packets: u64,
    /// Octets of UDP payload.
    pub bytes: u64,
    /// Its last packet.
    pub last: Timestamp,
    last_arrival: Timestamp,
    /// The longest time without any packet of it, be it a digit, late or a copy, and when
    /// that ended.
    pub pause: (i64, Timestamp),
    /// The longest time between two packets.
    pub delta_max_ns: i64,
    /// The longest time without a packet that was due.
    pub gap_max_ns: i64,
    last_timestamp: u32,
    /// Times that the timestamp changed: of video one less than its frames.
    frames_after: u32,
    in_sequence: u32,
    step: Step,
    last_sequence: u16,
    /// The most hops that a packet had left.
    pub ttl: u8,
    last_was_event: bool,
    /// Whether it is believed to be RTP.
    pub(super) proven: bool,
    /// Whether the last packet had a digit for which there was no room.
    pub(super) digit_dropped: bool,
    /// Its place in a call.
    pub membership: Option<Membership>,
    /// How it is protected, where keys are known.
    pub(super) secured: Option<Box<Secured>>,
    /// Code points of its packets.
    pub dscp: SmallVec<[u8; 2]>,
    /// Packets of each payload type.
    pub payload_types: SmallVec<[(u8, u64); 2]>,
    receiver: Receiver,
    clocks: Clocks,
    /// Unique in the run, in the order of first packets.
    pub serial: u64,
    /// From whom to whom.
    pub flow: Flow,
    /// The source.
    pub ssrc: u32,
    /// Where it was captured.
    pub capture_point: CapturePoint,
    /// The tunnel that it was captured within.
    pub tunnel: Option<Tunnel>,
    /// What tells it from the same packets on another stretch of their way.
    pub(super) stretch: u16,
    /// Its first packet.
    pub first: PacketRef,
    /// Streams of the same packets at other capture points, by serial.
    pub same_as: Vec<u64>,
    /// ICMP errors that quote it, without those that were captured twice.
    pub icmp_errors: u64,
    /// When the last of them came.
    pub(super) last_icmp_error: Option<Timestamp>,
    /// Digits.
    pub digits: Vec<Digit>,
    /// What the far end reported.
    pub far_end: FarEnd,
    /// What it says of itself.
    pub said: Option<Box<SelfDescription>>,
    /// Whether the payload is encrypted, by its description or by DTLS.
    pub encrypted: bool,
    jumps: u32,
    first_timestamp: u32,
    last_sender_report: Option<(u32, Timestamp)>,
}

/// Jitter at the clock rate that is known, or at all that are likely.
#[derive(Debug)]
enum Clocks {
    Known(u32, Jitter),
    Likely(Box<[Jitter; 4]>),
}

/// The usual step of the timestamp, by majority vote.
#[derive(Debug, Default)]
struct Step {
    ticks: u32,
    votes: u32,
}

impl Step {
    fn vote(&mut self, ticks: u32) {
        if ticks == self.ticks {
            self.votes = self.votes.saturating_add(1);
        } else if self.votes == 0 {
            self.ticks = ticks;
            self.votes = 1;
        } else {
            self.votes -= 1;
        }
    }
}

/// Packets in sequence that make a stream without a description believed.
const PROBATION: u32 = 6;
/// Contradictions that end the probation.
const MAX_JUMPS: u32 = 2;
/// RFC 3389.
const COMFORT_NOISE: u8 = 13;
/// Longer silences are held against the session: somebody may be on hold.
const LONG_GAP_NS: i64 = 150 * MILLISECOND;

/// A silence whose cause the session may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Silence {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl RtpStream {
    pub(super) fn new(
        serial: u64,
        flow: Flow,
        at: PacketRef,
        network: &Network,
        packet: &RtpPacket<'_>,
        clock_rate: Option<u32>,
        length: usize,
    ) -> Self {
        let mut stream = Self {
            serial,
            flow,
            ssrc: packet.ssrc,
            capture_point: at.capture_point,
            tunnel: None,
            stretch: 0,
            first: at,
            last: at.timestamp,
            packets: 1,
            bytes: length as u64,
            payload_types: SmallVec::from_iter([(packet.payload_type, 1)]),
            dscp: SmallVec::from_iter([network.dscp]),
            ttl: network.ttl,
            membership: None,
            same_as: Vec::new(),
            icmp_errors: 0,
            last_icmp_error: None,
            digits: Vec::new(),
            digit_dropped: false,
            far_end: FarEnd::default(),
            said: None,
            encrypted: false,
            frames_after: 0,
            delta_max_ns: 0,
            pause: (0, at.timestamp),
            gap_max_ns: 0,
            receiver: Receiver::new(packet.sequence_number),
            clocks: match clock_rate {
                Some(rate) => Clocks::Known(rate, Jitter::new(rate)),
                None => Clocks::Likely(Box::new(CLOCK_RATES.map(Jitter::new))),
            },
            secured: None,
            proven: false,
            in_sequence: 0,
            jumps: 0,
            last_sequence: packet.sequence_number,
            last_timestamp: packet.timestamp,
            last_arrival: at.timestamp,
            last_was_event: false,
            first_timestamp: packet.timestamp,
            step: Step::default(),
            last_sender_report: None,
        };
        stream.tick(at.timestamp, packet.timestamp);
        stream
    }

    /// The first packet was an event, not sound.
    pub(super) fn first_event(
        &mut self,
        at: Timestamp,
        rtp_timestamp: u32,
        event: TelephoneEvent,
        max_digits: usize,
    ) {
        self.digit(at, rtp_timestamp, event, true, max_digits);
        self.last_was_event = true;
    }

    /// The suite of SRTP that opens it, how many packets were opened, and how many had
    /// a tag that is wrong.
    #[must_use]
    pub fn opened(&self) -> (Option<&'static str>, u64, u64) {
        let secured = self.secured.as_ref();
        secured.map_or((None, 0, 0), |secured| secured.outcome())
    }

    /// Frames of video: packets of one frame bear one timestamp (RFC 6184, 5.1, and
    /// others).
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames_after as u64 + 1
    }

    /// Frames in a second, from the first to the beginning of the last; `None` of one.
    #[must_use]
    pub fn frame_rate(&self) -> Option<f64> {
        let spent = millis(self.last_arrival.since(self.first.timestamp)) / 1000.0;
        (self.frames_after > 0 && spent > 0.0).then(|| f64::from(self.frames_after) / spent)
    }

    /// Whether a sequence number is near the highest so far.
    pub(super) fn expects_about(&self, sequence_number: u16) -> bool {
        let highest = u16::try_from(self.receiver.highest_sequence_number()).unwrap_or_default();
        let ahead = sequence_number.wrapping_sub(highest);
        ahead < 100 || highest.wrapping_sub(sequence_number) < 100
    }

    fn tick(&mut self, at: Timestamp, ticks: u32) {
        match &mut self.clocks {
            Clocks::Known(_, jitter) => jitter.packet(at, ticks),
            Clocks::Likely(likely) => {
                for jitter in likely.iter_mut() {
                    jitter.packet(at, ticks);
                }
            }
        }
    }

    /// Takes one packet after the first. Hands back a silence that only the
    /// session can explain.
    #[inline]
    pub(super) fn packet(
        &mut self,
        at: PacketRef,
        network: &Network,
        packet: &RtpPacket<'_>,
        length: usize,
        event: Option<TelephoneEvent>,
        max_digits: usize,
    ) -> Option<Silence> {
        let arrival = at.timestamp;
        self.packets += 1;
        self.bytes += length as u64;
        match self
            .payload_types
            .iter_mut()
            .find(|(payload_type, _)| *payload_type == packet.payload_type)
        {
            Some((_, count)) => *count += 1,
            // There are 128 of them.
            None => self.payload_types.push((packet.payload_type, 1)),
        }
        if self.dscp.last() != Some(&network.dscp) && !self.dscp.contains(&network.dscp) {
            // There are 64 of them.
            self.dscp.push(network.dscp);
        }
        self.ttl = self.ttl.max(network.ttl);
        let paused = arrival.since(self.last);
        if paused > self.pause.0 {
            self.pause = (paused, arrival);
        }
        self.last = self.last.max(arrival);
        let received = self.receiver.packet(packet.sequence_number);
        match received {
            Received::Duplicate => return None,
            Received::Jump => {
                self.jumps = self.jumps.saturating_add(1);
                return None;
            }
            Received::Restarted => match &mut self.clocks {
                Clocks::Known(_, jitter) => jitter.restart(),
                Clocks::Likely(likely) => likely.iter_mut().for_each(Jitter::restart),
            },
            Received::InOrder | Received::Reordered => {}
        }
        if let Some(event) = event {
            let in_order = received == Received::InOrder;
            self.digit(arrival, packet.timestamp, event, in_order, max_digits);
            self.last_was_event = true;
            self.last_sequence = packet.sequence_number;
            return None;
        }
        if packet.payload_type == COMFORT_NOISE {
            // It comes when there is nothing to hear, at no pace of its own.
            self.last_sequence = packet.sequence_number;
            self.last_timestamp = packet.timestamp;
            self.last_arrival = arrival;
            self.last_was_event = true;
            return None;
        }
        self.tick(arrival, packet.timestamp);
        if received == Received::Reordered {
            return None;
        }
        let silence = self.silence(arrival, packet);
        self.last_sequence = packet.sequence_number;
        self.last_timestamp = packet.timestamp;
        self.last_arrival = arrival;
        self.last_was_event = false;
        silence
    }

    /// How long nothing came, and whether something was due.
    #[inline]
    fn silence(&mut self, arrival: Timestamp, packet: &RtpPacket<'_>) -> Option<Silence> {
        let delta = arrival.since(self.last_arrival);
        let steps = packet.sequence_number.wrapping_sub(self.last_sequence);
        let ticks = packet.timestamp.wrapping_sub(self.last_timestamp);
        self.frames_after = self.frames_after.saturating_add(u32::from(ticks != 0));
        if steps == 1 {
            self.in_sequence = self.in_sequence.saturating_add(1);
            self.step.vote(ticks);
        }
        self.delta_max_ns = self.delta_max_ns.max(delta);
        if delta <= self.gap_max_ns {
            return None;
        }
        // With the next number but a timestamp far ahead, the sender was
        // silent; events take the place of sound.
        let paused = steps == 1 && self.step.ticks > 0 && ticks / 3 >= self.step.ticks;
        if paused || self.last_was_event {
            return None;
        }
        if delta > LONG_GAP_NS {
            return Some(Silence {
                from: self.last_arrival,
                until: arrival,
            });
        }
        self.gap_max_ns = delta;
        None
    }

    fn digit(
        &mut self,
        at: Timestamp,
        rtp_timestamp: u32,
        event: TelephoneEvent,
        in_order: bool,
        max_digits: usize,
    ) {
        let Some(digit) = event.digit() else { return };
        // All packets of a digit bear the timestamp of its beginning.
        if let Some(known) = self
            .digits
            .iter_mut()
            .rev()
            .take(4)
            .find(|known| known.rtp_timestamp == rtp_timestamp && known.digit == digit)
        {
            // Long ones begin anew (RFC 4733, 2.5.1.3), under a timestamp of their own.
            known.shrank |= in_order && event.duration < known.ticks;
            known.ticks = known.ticks.max(event.duration);
            known.ends = known.ends.saturating_add(u32::from(event.end));
        } else if self.digits.len() < max_digits {
            self.digits.push(Digit {
                digit,
                at,
                ticks: event.duration,
                ends: u32::from(event.end),
                shrank: false,
                rtp_timestamp,
            });
        } else {
            self.digit_dropped = true;
        }
    }

    /// Ties it to the stream of the same packets at another place. Says whether
    /// there was room.
    pub(super) fn tie_same(&mut self, serial: u64, places: usize) -> bool {
        let room = self.same_as.len() < places;
        if room {
            self.same_as.push(serial);
        }
        room
    }

    /// Whether it has shown to be RTP, has not yet, or has shown not to be.
    pub(super) fn trial(&self) -> Trial {
        if self.in_sequence >= PROBATION && self.is_plausible() {
            Trial::Passed
        } else if self.jumps > MAX_JUMPS || self.in_sequence > PROBATION.saturating_mul(4) {
            Trial::Failed
        } else {
            Trial::Open
        }
    }

    /// Whether the timestamp goes at the pace of some clock.
    fn is_plausible(&self) -> bool {
        let ticks = f64::from(self.last_timestamp.wrapping_sub(self.first_timestamp));
        let elapsed = millis(self.last_arrival.since(self.first.timestamp));
        let rate = ticks / elapsed.max(1.0) * 1000.0;
        let moves = self.last_timestamp != self.first_timestamp;
        // Packets that come in a burst prove no pace; then the steps must be
        // those of a codec.
        moves
            && ((2000.0..400_000.0).contains(&rate) || (elapsed < 40.0 && self.step.ticks <= 9000))
    }

    /// The payload type of most packets that are no events.
    #[must_use]
    pub fn main_payload_type(&self, is_event: impl Fn(u8) -> bool) -> u8 {
        let main = |skip_events: bool| {
            self.payload_types
                .iter()
                .filter(|(payload_type, _)| {
                    !skip_events || !(is_event(*payload_type) || *payload_type == 13)
                })
                .max_by_key(|(payload_type, count)| (*count, u8::MAX - payload_type))
                .map(|(payload_type, _)| *payload_type)
        };
        main(true).or_else(|| main(false)).unwrap_or_default()
    }

    /// How many ticks the timestamps go on in a second, over so many milliseconds at least.
    fn rate_over(&self, least: f64) -> Option<f64> {
        let ticks = f64::from(self.last_timestamp.wrapping_sub(self.first_timestamp));
        let elapsed = millis(self.last_arrival.since(self.first.timestamp));
        (elapsed >= least).then(|| ticks / elapsed * 1000.0)
    }

    /// The same over five seconds, which is long enough to be told from another clock.
    #[must_use]
    pub fn timestamp_rate(&self) -> Option<f64> {
        self.rate_over(5000.0)
    }

    /// The clock rate that the timestamps keep to, if it is a usual one.
    fn observed_clock_rate(&self) -> Option<u32> {
        let rate = self.rate_over(200.0)?;
        CLOCK_RATES
            .into_iter()
            .find(|&usual| (rate / f64::from(usual) - 1.0).abs() < 0.05)
    }

    /// The clock rate and the jitter at it; `codec_rate` is what the codec
    /// says.
    #[must_use]
    pub fn jitter(&self, codec_rate: Option<u32>) -> (Option<u32>, Option<&Jitter>) {
        match &self.clocks {
            Clocks::Known(rate, jitter) => (Some(*rate), Some(jitter)),
            Clocks::Likely(likely) => {
                let rate = codec_rate.or_else(|| self.observed_clock_rate());
                let place = CLOCK_RATES.iter().position(|usual| Some(*usual) == rate);
                (rate, place.and_then(|place| likely.get(place)))
            }
        }
    }

    /// Milliseconds of sound in a packet, by the timestamps.
    #[must_use]
    pub fn ptime_ms(&self, clock_rate: Option<u32>) -> Option<f64> {
        let rate = clock_rate?;
        (self.step.ticks > 0 && self.step.ticks < rate)
            .then(|| f64::from(self.step.ticks) * 1000.0 / f64::from(rate))
    }

    /// What was expected, lost, repeated.
    #[must_use]
    pub fn report(&self) -> ReceiverReport {
        self.receiver.clone().finish()
    }

    pub(super) fn sender_report(&mut self, ntp_middle: u32, at: Timestamp) {
        self.last_sender_report = Some((ntp_middle, at));
    }

    /// It says who it is.
    pub(super) fn description(&mut self, item: u8, text: &[u8]) {
        let said = self.said.get_or_insert_default();
        let kept = match item {
            1 => &mut said.cname,
            6 => &mut said.tool,
            _ => return,
        };
        kept.get_or_insert_with(|| octets::text(text));
    }

    /// It says that it leaves.
    pub(super) fn bye(&mut self, at: Timestamp, reason: Option<&[u8]>) {
        let said = self.said.get_or_insert_default();
        said.left.get_or_insert(at);
        if said.left_because.is_none() {
            said.left_because = reason.map(octets::text);
        }
    }

    /// It sends something of an application's own.
    pub(super) fn application(&mut self, name: &[u8]) {
        let said = self.said.get_or_insert_default();
        let name = octets::text(name);
        if said.applications.len() < MAX_APPLICATIONS && !said.applications.contains(&name) {
            said.applications.push(name);
        }
    }

    /// The far end reports on this source.
    pub(super) fn receiver_report(&mut self, block: &crate::rtp::rtcp::ReportBlock, at: Timestamp) {
        self.far_end.reports = self.far_end.reports.saturating_add(1);
        self.far_end.cumulative_lost = i64::from(block.cumulative_packets_lost);
        self.far_end.jitter_ticks = block.interarrival_jitter;
        let highest = block.extended_highest_sequence_number;
        // The far end counts its cycles from the same first packet.
        let first = i64::from(self.receiver.first_sequence_number());
        self.far_end.expected = (i64::from(highest) - first + 1).max(0);
        let captured = self.report();
        self.far_end.captured = (captured.expected, captured.lost);
        if let Some((ntp_middle, sent)) = self.last_sender_report
            && block.last_sr == ntp_middle
            && block.last_sr != 0
        {
            let held = f64::from(block.delay_since_last_sr) * 1000.0 / 65_536.0;
            let rtt = at.millis_since(sent) - held;
            self.far_end.rtt_ms = (rtt >= 0.0).then_some(rtt);
        }
    }
}

/// Where the probation of a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trial {
    Open,
    Passed,
    Failed,
}

impl Entry for RtpStream {
    fn last_seen(&self) -> Timestamp {
        self.last
    }

    /// What is in a call is worth more than what is alone.
    fn rank(&self) -> u8 {
        u8::from(self.proven) + u8::from(self.membership.is_some())
    }
}
