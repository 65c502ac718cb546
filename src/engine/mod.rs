//! The passive observer: packets in, what they mean out.
//!
//! It reads no clock and touches no file; time is what the packets say. Each
//! [`Engine::handle`] is followed by [`Engine::poll_event`] until it answers
//! `None`; [`Engine::finish`] ends whatever is still open.

#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod call;
pub mod connection;
mod demux;
pub mod dialog;
pub mod dns_lookup;
pub mod dtls;
mod event;
pub mod fax;
pub mod frames;
mod hep;
pub mod ice;
mod legs;
pub mod limits;
mod media;
pub mod msrp;
pub mod nat;
pub mod pace;
pub mod reassembly;
pub mod registration;
pub mod rtp_stream;
pub mod session;
mod signalling;
mod stream;
pub mod stun_exchange;
pub mod table;
pub mod transaction;
mod transfer;
mod tunnels;
pub mod turn;

pub use event::{Closed, Counters, Event, Forwarded, MessageSeen, Unread};
pub use tunnels::TunnelUse;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;

use self::call::{Call, ClosedCall};
use self::connection::{Connection, ConnectionKey};
use self::dns_lookup::Lookups;
use self::ice::{IcePair, IceSession};
use self::legs::Legs;
use self::limits::{Limit, Limits};
use self::media::Media;
use self::nat::NatFacts;
use self::reassembly::ip::Reassembler;
use self::registration::{Registration, RegistrationKey};
use self::rtp_stream::RtpStream;
use self::signalling::SipFlow;
use self::stream::{TcpDirection, TlsSession};
use self::stun_exchange::{StunExchange, StunKey};
use self::table::{Entry, Handle, Table};
use self::transfer::Transfers;
use self::tunnels::Tunnels;
use self::turn::{PeerConnections, TicketKey, TurnAllocation, TurnKey};
use crate::link::{Decoded, Tunnel};
use crate::net::{Endpoint, Flow};
use crate::packet::CapturePoint;
use crate::time::{SECOND, Timestamp};
use crate::tls::KeyLog;

/// What to look for, and how much to hold.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The bounds.
    pub limits: Limits,
    /// Whether each SIP message becomes an event.
    pub messages: bool,
    /// Header fields whose values are kept.
    pub headers: Vec<String>,
    /// Secrets that open TLS.
    pub keys: Arc<KeyLog>,
    /// Whether signalling and reports become events as they are, to be sent on.
    pub forward: bool,
}

/// The observer.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    counters: Counters,
    clock: Clock,
    events: VecDeque<Event>,
    /// What is still to be closed at the end of the capture.
    open: VecDeque<Open>,
    calls: Table<Box<[u8]>, Call>,
    calls_cost: usize,
    media: Media,
    nat: NatFacts,
    fragments: Reassembler,
    tcp: Table<(CapturePoint, Flow), TcpDirection>,
    /// Secrets that may open TLS.
    keys: Arc<KeyLog>,
    tls_sessions: Table<(CapturePoint, Endpoint, Endpoint), TlsSession>,
    /// Octets of unfinished messages that TCP directions hold.
    tcp_bytes: usize,
    stun: Table<StunKey, StunExchange>,
    turn_allocations: Table<TurnKey, TurnAllocation>,
    turn_tickets: HashMap<TicketKey, Handle, RandomState>,
    next_turn: u64,
    peer_connections: PeerConnections,
    /// The allocation that relays what is read now.
    relay: Option<Handle>,
    ice: Table<Box<str>, IceSession>,
    /// Pairs of all ICE sessions.
    ice_pairs: usize,
    /// Checks of all of them that may still be answered.
    ice_checks: usize,
    next_ice: u64,
    registrations: Table<RegistrationKey, Registration>,
    /// The flow of each, as its last REGISTER came.
    registration_flows: HashMap<Flow, Handle, RandomState>,
    connections: Table<ConnectionKey, Connection>,
    sip_flows: Table<Flow, SipFlow>,
    /// Hosts seen to pass requests on: they sent one with another's `Via`.
    proxies: HashMap<Endpoint, (), RandomState>,
    transfers: Transfers,
    legs: Legs,
    tunnels: Tunnels,
    /// The innermost around what is read now.
    tunnel: Option<Tunnel>,
    /// What tells this stretch of the way from others of the same flow; 0 for the
    /// way itself.
    stretch: u16,
    /// Call-IDs in the order in which they were met, the last few.
    recent_calls: VecDeque<(Handle, Timestamp)>,
    lookups: Lookups,
    /// Whose messages are kept, the oldest first.
    kept_order: VecDeque<Handle>,
    kept_after_tidying: usize,
    next_call: u64,
    next_index: u64,
    next_transaction: u64,
    next_message: u64,
    next_stun: u64,
    next_registration: u64,
    next_connection: u64,
    next_lookup: u64,
    next_sweep: Timestamp,
}

/// Something that the end of the capture closes.
#[derive(Clone, Copy, Debug)]
enum Open {
    Call(Handle),
    Stream(Handle),
    Registration(Handle),
    Connection(Handle),
    Lookup(Handle),
    Stun(Handle),
    Turn(Handle),
    Ice(Handle),
}

/// How many reassemblies may follow from one packet: a fragment of what a tunnel
/// carries, in a fragment of the tunnel's own.
pub const MAX_REASSEMBLIES: u8 = 3;
/// How often idle objects are looked for.
const SWEEP_NS: i64 = SECOND;
/// A finished call waits this long for late packets: 64*T1.
const LINGER_NS: i64 = 32 * SECOND;
/// A call that still has media after its end waits no longer than this.
const LINGER_MEDIA_NS: i64 = 300 * SECOND;
/// A call that rings longer without a word is given up; Timer C is 3 minutes.
const RINGING_NS: i64 = 600 * SECOND;
/// A call that stands and is silent in every way is given up.
const SILENT_NS: i64 = 2 * 3600 * SECOND;
/// A stream outside any call is given up.
const STREAM_IDLE_NS: i64 = 600 * SECOND;
/// A TCP direction is given up.
const TCP_IDLE_NS: i64 = 2 * 3600 * SECOND;

/// The highest time that can be believed so far.
#[derive(Debug, Default)]
struct Clock {
    now: Option<Timestamp>,
    /// A packet more than an hour ahead, until a second one agrees.
    doubtful: Option<Timestamp>,
}

const JUMP_NS: i64 = 3600 * SECOND;

impl Clock {
    fn advance(&mut self, to: Timestamp) {
        let Some(now) = self.now else {
            self.now = Some(to);
            return;
        };
        if to <= now {
            return;
        }
        let agreed = self
            .doubtful
            .is_some_and(|before| to.since(before).abs() <= JUMP_NS);
        if agreed || to.since(now) <= JUMP_NS {
            self.now = Some(to);
            self.doubtful = None;
        } else {
            self.doubtful = Some(to);
        }
    }
}

impl Engine {
    /// An observer that has seen nothing.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let limits = config.limits;
        let config_keys = Arc::clone(&config.keys);
        Self {
            config,
            counters: Counters::default(),
            clock: Clock::default(),
            events: VecDeque::new(),
            open: VecDeque::new(),
            calls: Table::new(limits.calls),
            calls_cost: 0,
            media: Media::new(&limits),
            nat: NatFacts::new(&limits),
            fragments: Reassembler::new(&limits),
            tcp: Table::new(limits.tcp_streams),
            tcp_bytes: 0,
            keys: Arc::clone(&config_keys),
            tls_sessions: Table::new(limits.connections),
            stun: Table::new(limits.stun_exchanges),
            turn_allocations: Table::new(limits.turn_allocations),
            turn_tickets: HashMap::default(),
            peer_connections: PeerConnections::default(),
            next_turn: 0,
            relay: None,
            ice: Table::new(limits.ice_sessions),
            ice_pairs: 0,
            ice_checks: 0,
            next_ice: 0,
            registrations: Table::new(limits.registrations),
            registration_flows: HashMap::default(),
            connections: Table::new(limits.connections),
            sip_flows: Table::new(limits.flows / 8),
            proxies: HashMap::default(),
            transfers: Transfers::new(limits.transfers),
            legs: Legs::default(),
            tunnels: Tunnels::new(limits.tunnels),
            tunnel: None,
            stretch: 0,
            recent_calls: VecDeque::new(),
            lookups: Lookups::new(&limits),
            kept_order: VecDeque::new(),
            kept_after_tidying: 0,
            next_call: 0,
            next_index: 0,
            next_transaction: 0,
            next_message: 0,
            next_stun: 0,
            next_registration: 0,
            next_connection: 0,
            next_lookup: 0,
            next_sweep: Timestamp::default(),
        }
    }

    /// What passed so far, counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What passed so far shows of NATs.
    #[must_use]
    pub const fn nat_facts(&self) -> &NatFacts {
        &self.nat
    }

    /// Takes more secrets, for what comes from now on.
    pub fn add_keys(&mut self, text: &[u8]) {
        Arc::make_mut(&mut self.keys).add(text);
    }

    /// Tunnels that packets came through, in the order of their first packets.
    #[must_use]
    pub fn tunnels(&self) -> &[TunnelUse] {
        self.tunnels.seen()
    }

    /// Says that a bound was reached elsewhere, so that all are counted here.
    pub fn reached(&mut self, limit: Limit) {
        self.limit(limit);
    }

    /// Octets of state held, about.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.calls_cost
            + self.media.bytes_held()
            + self.nat.bytes_held()
            + self.fragments.bytes()
            + self.tcp.len() * (size_of::<TcpDirection>() + 80)
            + self.tcp_bytes
            + self.tls_sessions.len() * (size_of::<TlsSession>() + 100)
            + self.sip_flows.len() * 128
            + self.stun.len() * (size_of::<StunExchange>() + 200)
            + self.turn_allocations.len() * (size_of::<TurnAllocation>() + 7000)
            + self.peer_connections.bytes_held()
            + self.ice.len() * (size_of::<IceSession>() + 1200)
            + self.ice_checks * ice::CHECK_COST
            + self.ice_pairs * (size_of::<IcePair>() + 100)
            + self.registrations.len() * (size_of::<Registration>() + 1500)
            + self.connections.len() * (size_of::<Connection>() + 200)
            + self.lookups.bytes_held()
            + self.transfers.bytes_held()
            + self.legs.bytes_held()
            + self.tunnels.bytes_held()
            + self.kept_order.len() * size_of::<Handle>()
    }

    /// Takes one packet.
    #[inline]
    pub fn handle(&mut self, decoded: &Decoded<'_>) {
        let at = decoded.at;
        self.counters.packets += 1;
        self.counters.bytes += u64::from(decoded.original_length);
        self.clock.advance(at.timestamp);
        let (first, last) = (&mut self.counters.first, &mut self.counters.last);
        // Nearly every packet is the latest, none but the first the earliest.
        if last.is_none_or(|last| last < at.timestamp) {
            *last = Some(at.timestamp);
        }
        if first.is_none_or(|first| first > at.timestamp) {
            *first = Some(at.timestamp);
        }
        self.tunnel = None;
        self.stretch = 0;
        if let Some(tunnel) = decoded.tunnel {
            self.enter(tunnel);
        }
        self.content(at, &decoded.content, 1, 0);
        if let Some(now) = self.clock.now
            && now >= self.next_sweep
        {
            self.sweep(now);
            self.next_sweep = now.offset(SWEEP_NS);
        }
    }

    /// Tells the time while no packet does.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.clock.advance(now);
        if let Some(now) = self.clock.now
            && now >= self.next_sweep
        {
            self.sweep(now);
            self.next_sweep = now.offset(SWEEP_NS);
        }
    }

    /// The next thing learned.
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event> {
        if self.events.is_empty() && self.open.is_empty() {
            return None;
        }
        self.next_event()
    }

    fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            // At the end of the capture one after the other is closed, so that
            // they are never held twice.
            match self.open.pop_front()? {
                Open::Call(handle) => self.close_call(handle, Closed::EndOfCapture),
                Open::Stream(handle) => self.close_stream(handle),
                Open::Registration(handle) => self.close_registration(handle),
                Open::Connection(handle) => self.close_connection(handle),
                Open::Lookup(handle) => self.close_lookup(handle),
                Open::Stun(handle) => self.close_stun(handle),
                Open::Turn(handle) => self.close_turn(handle),
                Open::Ice(handle) => self.close_ice(handle),
            }
            if self.open.is_empty() && self.nat.missed() > 0 {
                self.limit(Limit::NatNotes);
            }
        }
    }

    /// Ends the capture: everything still open is told as it stands, as
    /// [`Engine::poll_event`] is asked for it.
    pub fn finish(&mut self) {
        let network = None;
        for handle in self.tcp.handles().collect::<Vec<_>>() {
            if let Some(mut direction) = self.tcp.remove(handle) {
                direction.reassembled.finish();
                self.deliver(&mut direction, network);
                self.end_direction(direction);
            }
        }
        self.counters.fragments_unfinished = self.fragments.unfinished();
        let calls = self.calls.in_order(|call| call.serial);
        let streams = self.media.in_order();
        let registrations = self.registrations.in_order(|device| device.serial);
        let connections = self.connections.in_order(|connection| connection.serial);
        let lookups = self.lookups.in_order();
        let exchanges = self.stun.in_order(|exchange| exchange.serial);
        let allocations = self.turn_allocations.in_order(|own| own.serial);
        let sessions = self.ice.in_order(|own| own.serial);
        self.open = (calls.into_iter().map(Open::Call))
            .chain(streams.into_iter().map(Open::Stream))
            .chain(registrations.into_iter().map(Open::Registration))
            .chain(connections.into_iter().map(Open::Connection))
            .chain(lookups.into_iter().map(Open::Lookup))
            .chain(exchanges.into_iter().map(Open::Stun))
            .chain(allocations.into_iter().map(Open::Turn))
            .chain(sessions.into_iter().map(Open::Ice))
            .collect();
        if self.open.is_empty() && self.nat.missed() > 0 {
            self.limit(Limit::NatNotes);
        }
    }

    /// What is read from now on came through a tunnel.
    fn enter(&mut self, tunnel: Tunnel) {
        self.tunnel = Some(tunnel);
        if tunnel.kind.is_stretch() {
            self.stretch = (call::digest(tunnel) >> 48) as u16 | 1;
        }
        if !self.tunnels.count(tunnel) {
            self.limit(Limit::Tunnels);
        }
    }

    #[inline]
    fn not_decoded(&mut self, reason: &'static str) {
        self.unread(Unread::Because(reason));
    }

    fn unread(&mut self, reason: Unread) {
        self.counters.not_decoded.count(reason);
    }

    fn limit(&mut self, limit: Limit) {
        let now = self.clock.now.unwrap_or_default();
        let (count, _) = self.counters.limits.entry(limit).or_insert((0, now));
        *count += 1;
    }

    /// Closes what has ended or gone silent; a part of each table at a time.
    fn sweep(&mut self, now: Timestamp) {
        let part = |round: usize| round / 8 + 64;
        for handle in self.calls.scan(part(self.calls.round())) {
            if let Some(closed) = self.is_over(handle, now) {
                self.close_call(handle, closed);
            }
        }
        for handle in self.media.idle_streams(now, STREAM_IDLE_NS) {
            self.close_stream(handle);
        }
        for handle in self.stun.scan(part(self.stun.round())) {
            if self
                .stun
                .get(handle)
                .is_some_and(|exchange| exchange.is_over(now))
            {
                self.close_stun(handle);
            }
        }
        for handle in (self.turn_allocations).scan(part(self.turn_allocations.round())) {
            let allocation = self.turn_allocations.get(handle);
            if allocation.is_some_and(|own| own.is_over(now)) {
                self.close_turn(handle);
            }
        }
        for handle in self.ice.scan(part(self.ice.round())) {
            if self.ice.get(handle).is_some_and(|own| own.is_over(now)) {
                self.close_ice(handle);
            }
        }
        for handle in self.registrations.scan(part(self.registrations.round())) {
            let over = self
                .registrations
                .get(handle)
                .is_some_and(|registration| registration.is_over(now));
            if over {
                self.close_registration(handle);
            }
        }
        for handle in self.connections.scan(part(self.connections.round())) {
            let over = self.connections.get(handle).is_some_and(|connection| {
                let wait = if connection.closed.is_some() {
                    LINGER_NS
                } else {
                    TCP_IDLE_NS
                };
                now.since(connection.last) > wait
            });
            if over {
                self.close_connection(handle);
            }
        }
        for handle in self.lookups.over(now) {
            self.close_lookup(handle);
        }
        // These may be silent for hours; there may be many of them.
        for handle in self.tcp.scan(self.tcp.round() / 256 + 64) {
            let idle = self
                .tcp
                .get(handle)
                .is_some_and(|direction| now.since(direction.last_seen()) > TCP_IDLE_NS);
            if idle && let Some(direction) = self.tcp.remove(handle) {
                self.end_direction(direction);
            }
        }
    }

    fn close_stun(&mut self, handle: Handle) {
        if let Some(exchange) = self.stun.remove(handle) {
            self.nat.exchange(&exchange);
            self.events.push_back(Event::Stun(Box::new(exchange)));
        }
    }

    fn is_over(&self, handle: Handle, now: Timestamp) -> Option<Closed> {
        let call = self.calls.get(handle)?;
        let idle = now.since(call.last);
        if idle <= LINGER_NS {
            return None;
        }
        let media_idle = call
            .streams
            .iter()
            .filter_map(|&stream| self.media.stream(stream))
            .map(|stream| now.since(stream.last))
            .min()
            .unwrap_or(i64::MAX);
        if call.subscriptions.iter().any(|own| own.is_standing(now)) {
            return None;
        }
        if call.is_up() {
            return (idle.min(media_idle) > SILENT_NS).then_some(Closed::Idle);
        }
        if call.is_session() && call.is_pending() {
            return (idle > RINGING_NS).then_some(Closed::Idle);
        }
        (media_idle > LINGER_NS || idle > LINGER_MEDIA_NS).then_some(Closed::Completed)
    }

    fn close_call(&mut self, handle: Handle, closed: Closed) {
        if let Some(call) = self.calls.remove(handle) {
            self.emit_call(handle, call, closed);
        }
    }

    fn emit_call(&mut self, handle: Handle, call: Call, closed: Closed) {
        self.calls_cost = self.calls_cost.saturating_sub(call.cost);
        let streams: Vec<RtpStream> = call
            .streams
            .iter()
            .filter_map(|&stream| self.media.remove_stream(stream))
            .collect();
        for stream in &streams {
            self.nat
                .media(stream.first, stream.last, stream.flow, stream.packets);
        }
        for fax in &call.faxes {
            self.nat.media(fax.first, fax.last, fax.flow, fax.packets);
        }
        self.nat_call(&call, &streams);
        let ice = self.ice_of(&call);
        self.media.release(handle, &call.session);
        let mut proxies: Vec<Endpoint> = call
            .transactions
            .iter()
            .flat_map(|transaction| [transaction.flow.src, transaction.flow.dst])
            .filter(|endpoint| self.proxies.contains_key(endpoint))
            .collect();
        proxies.sort_unstable();
        proxies.dedup();
        self.events.push_back(Event::Call(Box::new(ClosedCall {
            call,
            streams,
            ice,
            proxies,
            rtp_was_captured: self.counters.rtp_packets > 0,
            closed,
            at: self.clock.now.unwrap_or_default(),
        })));
    }

    fn close_stream(&mut self, handle: Handle) {
        let Some(stream) = self.media.remove_stream(handle) else {
            return;
        };
        if stream.proven {
            self.nat
                .media(stream.first, stream.last, stream.flow, stream.packets);
            self.events.push_back(Event::Stream(Box::new(stream)));
        } else {
            self.disown(&stream);
        }
    }

    /// A candidate that never showed to be RTP: its packets were something
    /// else.
    fn disown(&mut self, stream: &RtpStream) {
        self.counters.rtp_packets = self.counters.rtp_packets.saturating_sub(stream.packets);
        for _ in 0..stream.packets {
            self.not_decoded("UDP that is no SIP, RTP, RTCP or STUN");
        }
    }

    /// Remembers in which order messages were kept.
    fn kept(&mut self, call: Handle) {
        self.kept_order.push_back(call);
        // Calls that are gone need no place in it.
        if self.kept_order.len() > 2 * self.kept_after_tidying + 4096 {
            let calls = &self.calls;
            self.kept_order.retain(|call| calls.get(*call).is_some());
            self.kept_after_tidying = self.kept_order.len();
        }
    }

    fn forget_message(&mut self, handle: Handle) {
        let Some(call) = self.calls.get_mut(handle) else {
            return;
        };
        if call.kept.forget() {
            let cost = call.measure(&self.config.limits);
            self.calls_cost = self
                .calls_cost
                .saturating_sub(call.cost)
                .saturating_add(cost);
            call.cost = cost;
        }
    }

    /// Lets the least valuable calls go until the budget is kept.
    fn keep_budget(&mut self) {
        while self.bytes_held() > self.config.limits.bytes {
            // Messages go before calls do: what needs them is not judged.
            if let Some(oldest) = self.kept_order.pop_front() {
                self.forget_message(oldest);
                continue;
            }
            self.limit(Limit::Bytes);
            let Some(worst) = self.calls.worst() else {
                return;
            };
            self.close_call(worst, Closed::Evicted);
        }
    }
}
