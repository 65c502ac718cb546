//! Fax by UDPTL (ITU-T T.38): what arrived of each direction, what was made good, and what the
//! machines said. It is known by the addresses that calls describe; no datagram is a fax by its
//! looks alone.

mod outcome;
mod sequence;

pub use outcome::{FaxOutcome, FaxResult};
pub use sequence::Sequence;

use super::Engine;
use super::limits::{Limit, Limits};
use super::media::is_fax;
use super::rtp_stream::Membership;
use super::session::Side;
use crate::link::Datagram;
use crate::net::Flow;
use crate::packet::PacketRef;
use crate::stun;
use crate::t38::{FieldKind, Ifp, Modulation, Recovery, T30Frame, UdptlPacket};
use crate::time::Timestamp;

/// One direction of a fax at one place.
#[derive(Debug)]
pub struct FaxStream {
    /// From where to where.
    pub flow: Flow,
    /// Tells this stretch of the way from others of the same flow.
    pub(super) stretch: u16,
    /// Whose it is.
    pub membership: Membership,
    /// Its first datagram.
    pub first: PacketRef,
    /// Its last datagram.
    pub last: Timestamp,
    /// Datagrams, copies among them.
    pub packets: u64,
    /// Datagrams of it that could not be read.
    pub malformed: u64,
    /// What arrived of it.
    pub sequence: Sequence,
    /// Earlier packets that a datagram repeats, at most.
    pub redundancy: u8,
    /// Whether parities came in place of repetitions.
    pub has_parity: bool,
    /// Packets whose content is not known: lost and not repeated, or cut by the capture.
    pub missed: u64,
    /// Frames whose check sum was wrong at the gateway that heard them.
    pub bad_frames: u64,
    /// Whether the machines spoke by V.8 and V.34, whose frames are not read.
    pub is_v34: bool,
    /// What was said, in order.
    pub said: Vec<FaxEvent>,
    /// The frame that is being spelled.
    frame: Vec<u8>,
    /// When it began, and whether that was lost.
    frame_began: (Timestamp, bool),
    frame_is_whole: bool,
    last_indicator: Option<u8>,
}

/// Something that was heard on the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaxEvent {
    /// When it began, or the packet before it passed, where its beginning was lost.
    pub at: Timestamp,
    /// Whether its beginning is known from later packets alone.
    pub is_recovered: bool,
    /// What.
    pub what: FaxSaid,
}

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaxSaid {
    /// A tone or a training, by its number in T.38.
    Indicator(u8),
    /// A frame.
    Frame(T30Frame),
}

/// The longest frame of T.30, with room.
const MAX_FRAME: usize = 300;
/// Indicators that tell nothing: silence, and that a frame is coming.
const NO_SIGNAL: u8 = 0;
const V21_PREAMBLE: u8 = 3;

impl FaxStream {
    fn new(at: PacketRef, flow: Flow, stretch: u16, membership: Membership, number: u16) -> Self {
        Self {
            flow,
            stretch,
            membership,
            first: at,
            last: at.timestamp,
            packets: 0,
            malformed: 0,
            sequence: Sequence::new(number),
            redundancy: 0,
            has_parity: false,
            missed: 0,
            bad_frames: 0,
            is_v34: false,
            said: Vec::new(),
            frame: Vec::new(),
            frame_began: (at.timestamp, false),
            frame_is_whole: true,
            last_indicator: None,
        }
    }

    /// Who sends it.
    #[must_use]
    pub const fn by(&self) -> Side {
        self.membership.to.other()
    }

    /// Octets held at most, about.
    pub(super) const fn cost(limits: &Limits) -> usize {
        size_of::<Self>() + MAX_FRAME + limits.signals_per_fax * size_of::<FaxEvent>()
    }

    /// Whether a packet with this number may be the next of it, or one that was late.
    fn expects(&self, number: u16) -> bool {
        self.sequence.step(number).unsigned_abs() < sequence::MAX_STEP
    }

    /// Takes a datagram that the capture cut: it arrived, and what it said is not known.
    fn cut(&mut self, at: Timestamp, number: u16) {
        self.packets += 1;
        self.last = self.last.max(at);
        self.sequence.arrived(number);
        self.miss(1);
    }

    /// Takes a datagram. Says whether there was room for what it said.
    fn packet(
        &mut self,
        at: Timestamp,
        packet: &UdptlPacket<'_>,
        ifp: &Ifp<'_>,
        version: u8,
        max: usize,
    ) -> bool {
        self.packets += 1;
        let before = self.last;
        self.last = before.max(at);
        let step = self.sequence.packet(packet);
        match &packet.recovery {
            Recovery::Redundancy(before) => {
                let count = u8::try_from(before.len()).unwrap_or(u8::MAX);
                self.redundancy = self.redundancy.max(count);
            }
            Recovery::Parity { parities, .. } => self.has_parity |= *parities > 0,
        }
        // Late ones, and copies, say what is known or was given up.
        let Some(step) = step else { return true };
        let mut room = true;
        for back in (1..step).rev() {
            let repeated = match &packet.recovery {
                Recovery::Redundancy(before) => before.get(usize::from(back) - 1),
                Recovery::Parity { .. } => None,
            };
            match repeated.and_then(|octets| Ifp::parse(octets, version)) {
                Some(ifp) => room &= self.hear((before, true), &ifp, max),
                None => self.miss(1),
            }
        }
        room & self.hear((at, false), ifp, max)
    }

    fn miss(&mut self, packets: u64) {
        self.missed += packets;
        self.frame_is_whole = false;
    }

    /// Takes what a packet brought; `at` also says whether it is known from a later one.
    fn hear(&mut self, at: (Timestamp, bool), ifp: &Ifp<'_>, max: usize) -> bool {
        match ifp {
            Ifp::Indicator(number) => {
                self.begin_frame();
                self.is_v34 |= Ifp::is_v34_indicator(*number);
                let repeated = self.last_indicator.replace(*number) == Some(*number);
                if repeated || matches!(*number, NO_SIGNAL | V21_PREAMBLE) {
                    return true;
                }
                self.say(at, FaxSaid::Indicator(*number), max)
            }
            Ifp::Data { modulation, fields } => {
                self.last_indicator = None;
                self.is_v34 |= modulation.is_v34();
                let mut room = true;
                for (kind, octets) in fields {
                    if *modulation == Modulation::V21 {
                        room &= self.spell(at, *kind, octets, max);
                    }
                }
                room
            }
        }
    }

    /// Puts a frame together, which comes octet by octet.
    fn spell(&mut self, at: (Timestamp, bool), kind: FieldKind, octets: &[u8], max: usize) -> bool {
        if self.frame.is_empty() {
            self.frame_began = at;
        }
        self.frame_is_whole &= self.frame.len() + octets.len() <= MAX_FRAME;
        if self.frame_is_whole {
            self.frame.extend_from_slice(octets);
        }
        match kind {
            FieldKind::Hdlc | FieldKind::Other => true,
            FieldKind::FrameGood => {
                let frame = T30Frame::parse(&self.frame).filter(|_| self.frame_is_whole);
                self.begin_frame();
                let began = self.frame_began;
                frame.is_none_or(|frame| self.say(began, FaxSaid::Frame(frame), max))
            }
            FieldKind::FrameBad => {
                self.bad_frames += 1;
                self.begin_frame();
                true
            }
            FieldKind::SignalEnd => {
                self.begin_frame();
                true
            }
        }
    }

    fn begin_frame(&mut self) {
        self.frame.clear();
        self.frame_is_whole = true;
    }

    fn say(&mut self, (at, is_recovered): (Timestamp, bool), what: FaxSaid, max: usize) -> bool {
        let room = self.said.len() < max;
        if room {
            self.said.push(FaxEvent {
                at,
                is_recovered,
                what,
            });
        }
        room
    }
}

impl Engine {
    /// A datagram toward an address, or from one, where a call takes fax. Says whether it is
    /// one.
    pub(super) fn udptl(&mut self, at: PacketRef, datagram: &Datagram<'_>) -> bool {
        let (flow, octets) = (datagram.flow, datagram.payload);
        let Some(membership) = self
            .membership(flow, is_fax)
            .or_else(|| self.membership_by_source(flow, is_fax))
        else {
            return false;
        };
        let stretch = self.stretch;
        let limits = &self.config.limits;
        let Some(call) = self.calls.get_mut(membership.call) else {
            return false;
        };
        let own = call.faxes.iter().position(|own| {
            own.flow == flow
                && own.first.capture_point == at.capture_point
                && own.stretch == stretch
        });
        // The ports may carry RTP before and after; no fax begins in the middle of its numbers.
        let begins_low = octets.first().is_some_and(|first| *first < 0x80);
        let Some(number) = crate::octets::u16_at(octets, 0) else {
            return false;
        };
        let follows = own
            .and_then(|own| call.faxes.get(own))
            .is_some_and(|own| own.expects(number));
        if !(begins_low || follows) || stun::has_cookie(octets) {
            return false;
        }
        let version = call.session.fax_version(membership.media);
        let packet = UdptlPacket::parse(octets);
        let read = packet.and_then(|packet| {
            let ifp = Ifp::parse(packet.primary, version)?;
            Some((packet, ifp))
        });
        if read.is_none() && own.is_none() {
            return false;
        }
        let own = match own {
            Some(own) => own,
            None if call.faxes.len() >= limits.faxes_per_call => {
                self.limit(Limit::FaxesPerCall);
                return false;
            }
            None => {
                let new = FaxStream::new(at, flow, stretch, membership, number);
                call.faxes.push(new);
                let cost = FaxStream::cost(limits);
                call.cost += cost;
                self.calls_cost += cost;
                call.faxes.len() - 1
            }
        };
        let Some(fax) = call.faxes.get_mut(own) else {
            return false;
        };
        let mut room = true;
        match read {
            Some((packet, ifp)) => {
                let max = limits.signals_per_fax;
                room = fax.packet(at.timestamp, &packet, &ifp, version, max);
            }
            None if datagram.truncated => fax.cut(at.timestamp, number),
            None => {
                fax.malformed += 1;
                self.not_decoded("UDPTL malformed");
                return true;
            }
        }
        self.counters.udptl_packets += 1;
        if !room {
            self.limit(Limit::SignalsPerFax);
        }
        true
    }
}
