//! TCP directions on their way into SIP messages, through TLS and WebSockets where
//! those are.

mod stun;

use std::borrow::Cow;
use std::sync::Arc;

use super::Engine;
use super::limits::Limit;
use super::reassembly::tcp::{Delivery, TcpStream};
use super::signalling::Arrival;
use super::table::Entry;
use super::turn::Spliced;
use crate::hep;
use crate::link::{Network, Segment};
use crate::msrp::{self, MsrpFramer};
use crate::net::{Flow, Transport};
use crate::octets;
use crate::packet::{CapturePoint, PacketRef};
use crate::sip::{Framed, Framer};
use crate::stun::StunFramer;
use crate::time::Timestamp;
use crate::tls::{Session, TlsTap};
use crate::websocket::{self, Head, Opening, WebFramed, WebFramer};

/// One direction of a TCP connection.
#[derive(Debug)]
pub(super) struct TcpDirection {
    pub(super) reassembled: TcpStream,
    flow: Flow,
    framer: Framer,
    stun: Option<Box<StunFramer>>,
    /// Whether a ConnectionBind passed in it.
    binds: bool,
    /// What it carries is of a peer behind a TURN server.
    spliced: Option<Spliced>,
    tls: Option<Box<TlsTap>>,
    /// Records of it, closed and opened, that its connection was told of.
    tls_told: (u64, u64),
    web: Option<Box<(Head, WebFramer)>>,
    pub(super) msrp: Option<Box<MsrpFramer>>,
    /// What has come of the request that opens a WebSocket.
    opening: Vec<u8>,
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
    /// TLS that can't be opened, or that held nothing yet.
    Tls,
    /// HTTP that may open a WebSocket.
    Opening,
    /// A WebSocket.
    Web,
    /// What a capture agent sends on.
    Hep,
    /// Messages of sessions.
    Msrp,
    /// Something else, whose octets are counted.
    Counted,
    /// Something else: no octets are kept.
    Abandoned(&'static str),
}

/// What both directions of TLS agreed on, where secrets may open it.
#[derive(Debug)]
pub(super) struct TlsSession {
    session: Session,
    last: Timestamp,
}

impl Entry for TlsSession {
    fn last_seen(&self) -> Timestamp {
        self.last
    }
}

/// Why a stream is not read further.
const OTHER: &str = "TCP that is no SIP";
/// The same of what a TURN server relays.
const RELAYED: &str = "TURN data over TCP that is no SIP";

/// Octets by which everything but SIP is known.
const MARK: usize = 10;

impl TcpDirection {
    /// Whether nothing of it was read yet.
    fn begins(&self) -> bool {
        self.reading == Reading::Probing(0) && self.framer.pending() == 0
    }

    /// The octets to read now: at the beginning as many as it takes to know what
    /// they are, `None` while there are too few.
    fn first<'o>(&mut self, octets: &'o [u8]) -> Option<Cow<'o, [u8]>> {
        if !self.begins() {
            return Some(Cow::Borrowed(octets));
        }
        let first = self.opening.first().or(octets.first());
        let may_be_marked = matches!(first, Some(0..=3 | 0x16 | 0x40..=0x4f));
        if may_be_marked && self.opening.len() + octets.len() < MARK {
            self.opening.extend_from_slice(octets);
            return None;
        }
        if self.opening.is_empty() {
            return Some(Cow::Borrowed(octets));
        }
        let mut held = std::mem::take(&mut self.opening);
        held.extend_from_slice(octets);
        Some(Cow::Owned(held))
    }

    /// Its last packet.
    pub(super) const fn last(&self) -> PacketRef {
        self.last
    }

    /// The flow as what it carries sees it.
    const fn carried(&self) -> Flow {
        if let Some(own) = &self.spliced {
            return own.inner;
        }
        let transport = match (self.tls.is_some(), self.web.is_some()) {
            (false, false) => Transport::Tcp,
            (true, false) => Transport::Tls,
            (false, true) => Transport::Ws,
            (true, true) => Transport::Wss,
        };
        Flow {
            src: self.flow.src,
            dst: self.flow.dst,
            transport,
        }
    }
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
                    binds: false,
                    spliced: None,
                    tls: None,
                    tls_told: (0, 0),
                    web: None,
                    msrp: None,
                    opening: Vec::new(),
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
            Reading::Sip | Reading::Stun | Reading::Hep | Reading::Web | Reading::Msrp
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
        let web = direction.web.as_ref().map_or(0, |web| web.1.pending());
        let tls = direction.tls.as_ref().map_or(0, |tls| tls.held());
        let msrp = direction.msrp.as_ref().map_or(0, |msrp| msrp.pending());
        let opening = direction.opening.len() + direction.hep.len() + msrp;
        let pending = direction.framer.pending() + stun + web + tls + opening;
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
                    let frames = matches!(
                        direction.reading,
                        Reading::Hep | Reading::Web | Reading::Opening | Reading::Msrp
                    );
                    if direction.stun.take().is_some() || frames {
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
        if direction.tls.is_some() {
            self.protected(direction, octets, network);
            return;
        }
        let Some(octets) = direction.first(octets) else {
            return;
        };
        if direction.begins() && is_tls(&octets) {
            direction.reading = Reading::Tls;
            direction.tls = Some(Box::default());
            self.protected(direction, &octets, network);
        } else {
            self.plain(direction, &octets, network);
        }
    }

    /// Octets that TLS protects: what can be opened is read like any other stream.
    fn protected(&mut self, direction: &mut TcpDirection, octets: &[u8], network: Option<Network>) {
        let Some(tap) = &mut direction.tls else {
            return;
        };
        let before = (tap.shown.closed_records, tap.shown.opened_records);
        let keys = Arc::clone(&self.keys);
        let session = match keys.is_empty() {
            true => None,
            false => self.tls_session(direction.last, direction.flow),
        };
        tap.push(octets, session.map(|session| (session, &*keys)));
        let closed = tap.shown.closed_records - before.0;
        let opened = tap.shown.opened_records - before.1;
        let plain = tap.take_plain();
        self.tell_tls(direction);
        if closed > 0 || (opened == 0 && keys.is_empty()) {
            self.not_decoded("TLS");
        }
        if plain.is_empty() {
            return;
        }
        if direction.reading == Reading::Tls {
            direction.reading = Reading::Probing(0);
        }
        if let Some(plain) = direction.first(&plain) {
            self.plain(direction, &plain, network);
        }
        // What it holds may have made it a connection of SIP.
        self.tell_tls(direction);
    }

    /// Tells a connection what TLS showed since it was told last.
    fn tell_tls(&mut self, direction: &mut TcpDirection) {
        let Some(tap) = &direction.tls else {
            return;
        };
        let all = (tap.shown.closed_records, tap.shown.opened_records);
        let (closed, opened) = (all.0 - direction.tls_told.0, all.1 - direction.tls_told.1);
        if self.connection_tls(direction.last, direction.flow, &tap.shown, closed, opened) {
            direction.tls_told = all;
        }
    }

    /// What both directions of a connection agreed on.
    fn tls_session(&mut self, at: PacketRef, flow: Flow) -> Option<&mut Session> {
        let (first, second) = (flow.src.min(flow.dst), flow.src.max(flow.dst));
        let key = (at.capture_point, first, second);
        let handle = match self.tls_sessions.find(&key) {
            Some(handle) => handle,
            None => {
                let session = TlsSession {
                    session: Session::default(),
                    last: at.timestamp,
                };
                let (handle, evicted) = self.tls_sessions.insert(key, session);
                if evicted.is_some() {
                    self.limit(Limit::Connections);
                }
                handle
            }
        };
        let known = self.tls_sessions.get_mut(handle)?;
        known.last = at.timestamp;
        Some(&mut known.session)
    }

    /// Octets that nothing protects, or no longer.
    fn plain(&mut self, direction: &mut TcpDirection, octets: &[u8], network: Option<Network>) {
        match direction.spliced {
            None => self.read(direction, octets, network),
            Some(own) => self.spliced_octets(direction, own, octets, network),
        }
    }

    /// Octets of whatever a direction holds.
    fn read(&mut self, direction: &mut TcpDirection, octets: &[u8], network: Option<Network>) {
        if direction.begins() {
            if let Some(stun) = StunFramer::recognise(octets) {
                direction.reading = Reading::Stun;
                direction.stun = Some(Box::new(stun));
            } else if hep::is_version_three(octets) {
                direction.reading = Reading::Hep;
            } else if msrp::recognise(octets) {
                direction.reading = Reading::Msrp;
                direction.msrp = Some(Box::default());
            } else if websocket::opening(octets) != Opening::No {
                direction.reading = Reading::Opening;
            }
        }
        match direction.reading {
            Reading::Abandoned(_) => {}
            Reading::Counted => self.not_decoded(RELAYED),
            Reading::Stun => self.frame_stun(direction, octets, network),
            Reading::Hep => self.frame_hep(direction, octets),
            Reading::Msrp => {
                if !self.frame_msrp(direction, octets) {
                    self.abandon(direction);
                }
            }
            Reading::Opening => self.open_web(direction, octets),
            Reading::Web => self.frame_web(direction, octets),
            Reading::Probing(_) | Reading::Sip | Reading::Tls => {
                direction.framer.push(octets);
                self.frame(direction, network);
                direction.framer.rest();
            }
        }
    }

    /// HTTP as far as it opens a WebSocket; other HTTP is nothing that is read.
    fn open_web(&mut self, direction: &mut TcpDirection, octets: &[u8]) {
        direction.opening.extend_from_slice(octets);
        match websocket::opening(&direction.opening) {
            Opening::More => {}
            Opening::No => self.abandon(direction),
            Opening::Yes(head) => {
                let opening = std::mem::take(&mut direction.opening);
                direction.reading = Reading::Web;
                direction.web = Some(Box::new((head, WebFramer::default())));
                self.connection_web(direction.last, direction.flow, head);
                self.frame_web(direction, octets::from(&opening, head.length));
            }
        }
    }

    /// Messages of a WebSocket.
    fn frame_web(&mut self, direction: &mut TcpDirection, octets: &[u8]) {
        let Some(web) = &mut direction.web else {
            return;
        };
        let head = web.0;
        web.1.push(octets);
        while let Some(framed) = direction.web.as_mut().and_then(|web| web.1.poll()) {
            match framed {
                WebFramed::Message(message) => self.web_message(direction, head, &message),
                WebFramed::KeepAlive => {
                    self.counters.keep_alives += 1;
                    self.connection_keepalive(direction.last, direction.flow);
                    self.connection_web(direction.last, direction.flow, head);
                }
                WebFramed::Close => {}
                WebFramed::Unread => self.not_decoded("WebSocket message too long or damaged"),
                WebFramed::Lost => {
                    self.abandon(direction);
                    return;
                }
            }
        }
    }

    /// A message of a WebSocket: one of SIP by RFC 7118, 5; more where each says how
    /// long it is.
    fn web_message(&mut self, direction: &mut TcpDirection, head: Head, message: &[u8]) {
        let mut rest = message;
        let mut count = 0_u32;
        loop {
            if !crate::sip::looks_like_sip(rest) {
                if rest.iter().all(|octet| matches!(octet, b'\r' | b'\n')) {
                    if rest.len() == message.len() {
                        self.counters.keep_alives += 1;
                        self.connection_keepalive(direction.last, direction.flow);
                    }
                } else {
                    self.not_decoded("WebSocket message that is no SIP");
                }
                return;
            }
            let length = crate::sip::message_length(rest).unwrap_or(rest.len());
            let packets = std::mem::take(&mut direction.segments).max(1);
            let arrival = Arrival {
                packets,
                is_cut: false,
            };
            self.connection_message(direction.last, direction.flow);
            self.connection_web(direction.last, direction.flow, head);
            count = count.saturating_add(1);
            if count == 2 {
                self.connection_crowded(direction.last, direction.flow);
            }
            let own = octets::span(rest, 0, length);
            self.sip(direction.last, direction.carried(), None, own, arrival);
            rest = octets::from(rest, length);
            if rest.is_empty() {
                return;
            }
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
                    self.sip(
                        direction.last,
                        direction.carried(),
                        network,
                        &octets,
                        arrival,
                    );
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
                    _ => {}
                },
            }
        }
    }

    fn abandon(&mut self, direction: &mut TcpDirection) {
        let (reading, what) = match direction.spliced {
            None => (Reading::Abandoned(OTHER), OTHER),
            Some(_) => (Reading::Counted, RELAYED),
        };
        direction.reading = reading;
        direction.framer = Framer::new();
        direction.hep = Vec::new();
        direction.msrp = None;
        direction.opening = Vec::new();
        self.not_decoded(what);
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
        if let Some(tap) = &mut direction.tls {
            tap.finish();
            self.tell_tls(&mut direction);
        }
        let arrival = Arrival {
            packets: direction.segments,
            is_cut: true,
        };
        match direction.reading {
            Reading::Sip => {
                if let Some(octets) = direction.framer.finish() {
                    self.sip(direction.last, direction.carried(), None, &octets, arrival);
                }
            }
            Reading::Probing(looked_at) if looked_at > 0 || direction.framer.pending() > 0 => {
                // A lone message that the capture cut is still SIP.
                match direction.framer.finish() {
                    Some(octets) => {
                        self.sip(direction.last, direction.carried(), None, &octets, arrival);
                    }
                    None => self.not_decoded(OTHER),
                }
            }
            Reading::Hep if !direction.hep.is_empty() => self.not_decoded("HEP cut short"),
            _ if !direction.opening.is_empty() => self.not_decoded(OTHER),
            _ => {}
        }
    }
}

/// A TLS record that begins a handshake (RFC 8446, 5.1).
fn is_tls(octets: &[u8]) -> bool {
    matches!(octets, [0x16, 0x03, 0..=4, ..])
}
