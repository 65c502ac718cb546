//! TCP directions on their way into SIP messages.

use super::Engine;
use super::limits::Limit;
use super::reassembly::tcp::{Delivery, TcpStream};
use super::signalling::Arrival;
use super::table::Entry;
use crate::hep;
use crate::link::{Network, Segment};
use crate::net::Flow;
use crate::octets;
use crate::packet::{CapturePoint, PacketRef};
use crate::sip::{Framed, Framer};
use crate::stun::{StunFramed, StunFramer, StunMessage};
use crate::time::Timestamp;
use crate::tls::TlsTap;

/// One direction of a TCP connection.
#[derive(Debug)]
pub(super) struct TcpDirection {
    pub(super) reassembled: TcpStream,
    flow: Flow,
    framer: Framer,
    stun: Option<Box<StunFramer>>,
    tls: Option<Box<TlsTap>>,
    /// What has come of a packet of HEP.
    hep: Vec<u8>,
    reading: Reading,
    last: PacketRef,
    /// Segments since the last message.
    segments: u32,
    /// Octets of it that are counted in [`Engine::tcp_bytes`].
    counted: usize,
}

/// What a direction holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Not known yet; so many octets have been looked at.
    Probing(usize),
    /// SIP.
    Sip,
    /// STUN or TURN.
    Stun,
    /// TLS: its hellos are read, its records counted.
    Tls,
    /// What a capture agent sends on.
    Hep,
    /// Something else: no octets are kept.
    Abandoned(&'static str),
}

impl Entry for TcpDirection {
    fn last_seen(&self) -> Timestamp {
        self.last.timestamp
    }

    fn rank(&self) -> u8 {
        u8::from(self.reading == Reading::Sip)
    }
}

impl Engine {
    pub(super) fn segment(&mut self, at: PacketRef, segment: &Segment<'_>) {
        let key = (at.capture_point, segment.flow);
        if let Some(acknowledgment) = segment.acknowledgment {
            let peer = (at.capture_point, segment.flow.reversed());
            self.acknowledged(peer, at, acknowledgment);
        }
        let mut found = self.tcp.find(&key);
        if segment.syn
            && let Some(handle) = found
            && let Some(mut old) = self.tcp.remove(handle)
        {
            // The ports are used again, or the SYN was repeated: nothing of a
            // repeated SYN has been delivered.
            old.reassembled.finish();
            self.deliver(&mut old, Some(segment.network));
            self.end_direction(old);
            found = None;
        }
        if segment.payload.is_empty() && segment.missing == 0 && !segment.syn {
            if segment.rst || segment.fin {
                self.end(key);
            }
            return;
        }
        let handle = match found {
            Some(handle) => handle,
            None => {
                let direction = TcpDirection {
                    reassembled: TcpStream::default(),
                    flow: segment.flow,
                    framer: Framer::new(),
                    stun: None,
                    tls: None,
                    hep: Vec::new(),
                    reading: Reading::Probing(0),
                    last: at,
                    segments: 0,
                    counted: 0,
                };
                let (handle, evicted) = self.tcp.insert(key, direction);
                if let Some(evicted) = evicted {
                    self.limit(Limit::TcpStreams);
                    self.end_direction(evicted);
                }
                handle
            }
        };
        let Some(direction) = self.tcp.get_mut(handle) else {
            return;
        };
        direction.last = at;
        if let Reading::Abandoned(what) = direction.reading {
            if !segment.payload.is_empty() {
                self.not_decoded(what);
            }
            return;
        }
        direction.segments = direction.segments.saturating_add(1);
        let limit = self.config.limits.tcp_waiting;
        let in_order = direction.reassembled.in_order(segment);
        if in_order.is_none() {
            direction.reassembled.segment(segment, limit);
        }
        let Some(mut direction) = self.tcp.take(handle) else {
            return;
        };
        match in_order {
            Some(octets) => self.octets(&mut direction, octets, Some(segment.network)),
            None => self.deliver(&mut direction, Some(segment.network)),
        }
        self.put_back(handle, direction);
        if segment.fin || segment.rst {
            self.end(key);
        }
    }

    /// When octets last came on a direction that holds neither SIP nor STUN.
    pub(super) fn tcp_other(&self, key: &(CapturePoint, Flow)) -> Option<Timestamp> {
        let direction = self.tcp.get(self.tcp.find(key)?)?;
        let is_other = !matches!(
            direction.reading,
            Reading::Sip | Reading::Stun | Reading::Hep
        );
        is_other.then_some(direction.last.timestamp)
    }

    fn acknowledged(&mut self, key: (CapturePoint, Flow), at: PacketRef, acknowledgment: u32) {
        let Some(handle) = self.tcp.find(&key) else {
            return;
        };
        let Some(direction) = self.tcp.get_mut(handle) else {
            return;
        };
        if direction.reassembled.waiting_bytes() == 0 {
            return;
        }
        direction.reassembled.acknowledged(acknowledgment);
        let Some(mut direction) = self.tcp.take(handle) else {
            return;
        };
        direction.last = at;
        self.deliver(&mut direction, None);
        self.put_back(handle, direction);
    }

    /// Counts what a direction holds; the least of all directions go while
    /// they hold too much together.
    fn put_back(&mut self, handle: super::table::Handle, mut direction: TcpDirection) {
        let stun = direction.stun.as_ref().map_or(0, |stun| stun.pending());
        let pending = direction.framer.pending() + stun + direction.hep.len();
        let holds = direction.reassembled.waiting_bytes() + pending;
        self.tcp_bytes = self.tcp_bytes.saturating_sub(direction.counted) + holds;
        direction.counted = holds;
        self.tcp.put(handle, direction);
        while self.tcp_bytes > self.config.limits.tcp_bytes {
            let Some(evicted) = self.tcp.evict() else {
                return;
            };
            self.limit(Limit::TcpBytes);
            self.end_direction(evicted);
        }
    }

    /// Reads what a direction has ready.
    pub(super) fn deliver(&mut self, direction: &mut TcpDirection, network: Option<Network>) {
        while let Some(delivery) = direction.reassembled.poll() {
            match delivery {
                Delivery::Octets(octets) => self.octets(direction, &octets, network),
                Delivery::Gap(octets) => {
                    if direction.reading == Reading::Sip {
                        self.counters.stream_octets_missing += octets;
                    }
                    if let Some(tap) = &mut direction.tls {
                        tap.gap();
                    }
                    if direction.stun.take().is_some() || direction.reading == Reading::Hep {
                        // Where a frame begins can't be known any more.
                        self.abandon(direction);
                    }
                    if let Some(Framed::Skipped(octets)) = direction.framer.gap()
                        && direction.reading == Reading::Sip
                    {
                        self.counters.stream_octets_skipped += octets as u64;
                    }
                }
            }
        }
    }

    /// Reads octets that follow those before.
    fn octets(&mut self, direction: &mut TcpDirection, octets: &[u8], network: Option<Network>) {
        if let Reading::Abandoned(_) = direction.reading {
            return;
        }
        let begins = direction.reading == Reading::Probing(0) && direction.framer.pending() == 0;
        if begins && is_tls(octets) {
            direction.reading = Reading::Tls;
            direction.tls = Some(Box::default());
        }
        if let Some(tap) = &mut direction.tls {
            let before = tap.shown.closed_records;
            tap.push(octets);
            let closed = tap.shown.closed_records - before;
            self.connection_tls(direction.last, direction.flow, &tap.shown, closed);
            self.not_decoded("TLS");
            return;
        }
        if begins && let Some(stun) = StunFramer::recognise(octets) {
            direction.reading = Reading::Stun;
            direction.stun = Some(Box::new(stun));
        }
        if begins && hep::is_version_three(octets) {
            direction.reading = Reading::Hep;
        }
        if direction.reading == Reading::Hep {
            self.frame_hep(direction, octets);
        } else if direction.stun.is_some() {
            self.frame_stun(direction, octets);
        } else {
            direction.framer.push(octets);
            self.frame(direction, network);
            direction.framer.rest();
        }
    }

    /// Packets of an agent, one behind the other, each with its length.
    fn frame_hep(&mut self, direction: &mut TcpDirection, fresh: &[u8]) {
        let mut held = std::mem::take(&mut direction.hep);
        held.extend_from_slice(fresh);
        let mut read = 0;
        loop {
            let rest = octets::from(&held, read);
            let Some(length) = hep::length(rest) else {
                break;
            };
            if !hep::is_version_three(rest) || length < hep::SHORTEST {
                self.abandon(direction);
                return;
            }
            let Some(packet) = rest.get(..length) else {
                break;
            };
            self.hep(direction.last, direction.flow, packet);
            read += length;
        }
        held.drain(..read);
        direction.hep = held;
    }

    /// STUN messages of a direction; media in channels are not unwrapped.
    fn frame_stun(&mut self, direction: &mut TcpDirection, octets: &[u8]) {
        let Some(mut framer) = direction.stun.take() else {
            return;
        };
        framer.push(octets);
        while let Some(framed) = framer.poll() {
            match framed {
                StunFramed::Message(octets) => {
                    if let Some(message) = StunMessage::parse(&octets) {
                        self.stun_message(direction.last, direction.flow, &message, None);
                    }
                }
                StunFramed::Other(_) => self.not_decoded("TURN channel data"),
                StunFramed::Lost => {
                    self.abandon(direction);
                    return;
                }
            }
        }
        direction.stun = Some(framer);
    }

    fn frame(&mut self, direction: &mut TcpDirection, network: Option<Network>) {
        loop {
            let in_step = direction.framer.is_synchronised();
            let Some(framed) = direction.framer.poll() else {
                return;
            };
            match framed {
                Framed::Message(octets) => {
                    direction.reading = Reading::Sip;
                    let segments = std::mem::take(&mut direction.segments).max(1);
                    self.connection_message(direction.last, direction.flow);
                    let arrival = Arrival {
                        packets: segments,
                        is_cut: false,
                    };
                    self.sip(direction.last, direction.flow, network, &octets, arrival);
                }
                Framed::KeepAlive(_) => {
                    self.counters.keep_alives += 1;
                    self.connection_keepalive(direction.last, direction.flow);
                }
                Framed::Skipped(octets) => match &mut direction.reading {
                    Reading::Sip => {
                        self.counters.stream_octets_skipped += octets as u64;
                        if in_step {
                            self.connection_out_of_step(direction.last, direction.flow);
                        }
                    }
                    Reading::Probing(looked_at) => {
                        *looked_at = looked_at.saturating_add(octets);
                        if *looked_at > self.config.limits.tcp_probe {
                            self.abandon(direction);
                            return;
                        }
                    }
                    Reading::Abandoned(_) | Reading::Stun | Reading::Tls | Reading::Hep => {}
                },
            }
        }
    }

    fn abandon(&mut self, direction: &mut TcpDirection) {
        direction.reading = Reading::Abandoned("TCP that is no SIP");
        direction.framer = Framer::new();
        direction.hep = Vec::new();
        self.not_decoded("TCP that is no SIP");
    }

    fn end(&mut self, key: (crate::packet::CapturePoint, Flow)) {
        if let Some(handle) = self.tcp.find(&key)
            && let Some(mut direction) = self.tcp.remove(handle)
        {
            direction.reassembled.finish();
            self.deliver(&mut direction, None);
            self.end_direction(direction);
        }
    }

    /// The end of a direction: a message that it cut is read as far as it goes.
    pub(super) fn end_direction(&mut self, mut direction: TcpDirection) {
        self.tcp_bytes = self.tcp_bytes.saturating_sub(direction.counted);
        let arrival = Arrival {
            packets: direction.segments,
            is_cut: true,
        };
        match direction.reading {
            Reading::Sip => {
                if let Some(octets) = direction.framer.finish() {
                    self.sip(direction.last, direction.flow, None, &octets, arrival);
                }
            }
            Reading::Probing(looked_at) if looked_at > 0 || direction.framer.pending() > 0 => {
                // A lone message that the capture cut is still SIP.
                match direction.framer.finish() {
                    Some(octets) => {
                        self.sip(direction.last, direction.flow, None, &octets, arrival);
                    }
                    None => self.not_decoded("TCP that is no SIP"),
                }
            }
            Reading::Hep if !direction.hep.is_empty() => self.not_decoded("HEP cut short"),
            Reading::Probing(_)
            | Reading::Abandoned(_)
            | Reading::Stun
            | Reading::Tls
            | Reading::Hep => {}
        }
    }
}

/// A TLS record that begins a handshake (RFC 8446, 5.1).
fn is_tls(octets: &[u8]) -> bool {
    matches!(octets, [0x16, 0x03, 0..=4, ..])
}
