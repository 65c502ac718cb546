//! TURN allocations, and what passes through them (RFC 8656, RFC 5766).

mod connection;

use smallvec::SmallVec;

pub use self::connection::PeerConnection;
pub(super) use self::connection::{PeerConnections, Spliced};

use super::limits::Limit;
use super::table::{Entry, Handle};
use super::{Engine, Event};
use crate::link::{Datagram, Network, Tunnel, TunnelKind};
use crate::net::{Endpoint, Flow, Transport};
use crate::octets::{self, u16_at};
use crate::packet::{CapturePoint, PacketRef};
use crate::stun::{Class, StunMessage};
use crate::time::{SECOND, Timestamp};

const ALLOCATE: u16 = 3;
const REFRESH: u16 = 4;
const SEND: u16 = 6;
const DATA: u16 = 7;
const CREATE_PERMISSION: u16 = 8;
const CHANNEL_BIND: u16 = 9;
const CONNECT: u16 = 10;
const CONNECTION_BIND: u16 = 11;
const CONNECTION_ATTEMPT: u16 = 12;

/// The protocol number of TCP.
const TCP: u8 = 6;

/// Requests of one allocation that wait for their answer.
const MAX_PENDING: usize = 32;
/// Peers, channels and kinds of errors of one allocation that are told apart.
const MAX_PEERS: usize = 64;
/// An allocation that is silent is given up when its time is over, and so long
/// after.
const SILENT_NS: i64 = 60 * SECOND;
/// How long a permission stands (RFC 8656, 9).
const PERMISSION_NS: i64 = 300 * SECOND;
/// How long a channel stands (RFC 8656, 12).
const CHANNEL_NS: i64 = 600 * SECOND;
/// What a server grants where nothing is seen of it (RFC 8656, 3.2).
const USUAL_LIFETIME_S: u32 = 600;

/// One allocation: from a client's first request to its release.
#[derive(Clone, Debug)]
pub struct TurnAllocation {
    /// Unique in the run, in the order of first packets.
    pub serial: u64,
    /// From the client to the server.
    pub flow: Flow,
    /// Where it was captured.
    pub capture_point: CapturePoint,
    /// Its first packet.
    pub first: PacketRef,
    /// Its last packet.
    pub last: Timestamp,
    /// When the server granted it.
    pub granted: Option<Timestamp>,
    /// For how long, by its last word.
    pub lifetime_s: Option<u32>,
    /// The address that it gives the client.
    pub relayed: Option<Endpoint>,
    /// Where the server sees the client.
    pub mapped: Option<Endpoint>,
    /// Who asks.
    pub username: Option<String>,
    /// Of whom.
    pub realm: Option<String>,
    /// The server's program.
    pub software: Option<String>,
    /// Refreshes that were granted.
    pub refreshes: u64,
    /// When it was granted or refreshed last.
    pub refreshed: Option<Timestamp>,
    /// When the client gave it back.
    pub released: Option<Timestamp>,
    /// Challenges: a 401 to the first request, a 438 when the nonce is old.
    pub challenges: u64,
    /// The server's last answer.
    pub answered: Option<Timestamp>,
    /// Other errors: method, code, how often.
    pub errors: SmallVec<[(u16, u16, u64); 1]>,
    /// Peers that may send through it.
    pub permissions: Vec<Permission>,
    /// Channels.
    pub channels: Vec<Channel>,
    /// Connections to peers over TCP.
    pub connections: Vec<PeerConnection>,
    /// Whether it relays TCP (RFC 6062), as the client asked.
    pub is_tcp: bool,
    /// The first binding that was refused since it contradicts another one, and that.
    pub contradiction: Option<Contradiction>,
    /// What the client sent through it.
    pub to_peers: Relayed,
    /// What came for the client.
    pub from_peers: Relayed,
    /// Packets in channels whose binding was not captured.
    pub unknown: u64,
    /// The call whose media it relays.
    pub call_id: Option<String>,
    pending: SmallVec<[Pending; 2]>,
}

/// A peer that may send through an allocation, for 5 minutes (RFC 8656, 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Which.
    pub ip: std::net::IpAddr,
    /// Since when.
    pub granted: Timestamp,
    /// When it was granted last.
    pub refreshed: Timestamp,
    /// Packets that the client sent to it after the permission had run out, and the
    /// first of them.
    pub late: Option<(PacketRef, u64)>,
}

/// A channel to a peer, for 10 minutes (RFC 8656, 12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its number.
    pub number: u16,
    /// The peer.
    pub peer: Endpoint,
    /// Since when.
    pub granted: Timestamp,
    /// When it was bound last.
    pub refreshed: Timestamp,
    /// Packets that the client sent in it after its time, and the first of them.
    pub late: Option<(PacketRef, u64)>,
}

/// A binding that was refused: its channel leads elsewhere, or its peer has another one
/// (RFC 8656, 12.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The server's answer.
    pub at: PacketRef,
    /// The channel that was asked for.
    pub number: u16,
    /// The peer that it was to lead to.
    pub peer: Endpoint,
    /// What stands.
    pub standing: Channel,
}

/// What passed in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relayed {
    /// In Send or Data indications.
    pub indications: u64,
    /// In channels.
    pub channel: u64,
    /// Octets of both, without what TURN adds.
    pub octets: u64,
    /// The first packet.
    pub first: Option<Timestamp>,
}

/// A request that waits for its answer.
#[derive(Clone, Debug)]
struct Pending {
    transaction: [u8; 16],
    peers: SmallVec<[Endpoint; 1]>,
    channel: Option<u16>,
}

impl Entry for TurnAllocation {
    fn last_seen(&self) -> Timestamp {
        self.last
    }

    fn rank(&self) -> u8 {
        u8::from(self.is_active())
    }
}

pub(super) type TurnKey = (CapturePoint, Flow);

impl TurnAllocation {
    /// Whether it was granted and not given back.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.granted.is_some() && self.released.is_none()
    }

    /// Where it stands at a moment.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        match (self.granted, self.released) {
            (_, Some(_)) => "released",
            (Some(_), None) if now > self.ends() => "expired",
            (Some(_), None) => "active",
            (None, _) if !self.errors.is_empty() => "failed",
            (None, _) if self.challenges > 0 => "challenged",
            (None, _) => "no-answer",
        }
    }

    /// Whether it passes packets on to a peer, or was asked to: some do not wait for the
    /// answer (RFC 8656, 9).
    #[must_use]
    pub fn permits(&self, peer: std::net::IpAddr) -> bool {
        let asked = self.pending.iter().flat_map(|own| &own.peers);
        self.permissions.iter().any(|own| own.ip == peer)
            || asked.into_iter().any(|own| own.ip == peer)
    }

    /// For how many seconds it was granted last.
    #[must_use]
    pub fn lifetime(&self) -> u32 {
        self.lifetime_s.unwrap_or(USUAL_LIFETIME_S)
    }

    /// When its time is over, if nothing more is heard of it.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        let lifetime = i64::from(self.lifetime()) * SECOND;
        (self.refreshed.unwrap_or(self.last)).offset(lifetime)
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        let since = match self.is_active() {
            true => self.ends().max(self.last),
            false => self.last,
        };
        now.since(since) > SILENT_NS
    }

    fn asked(&mut self, message: &StunMessage<'_>) {
        if self.pending.len() >= MAX_PENDING {
            self.pending.remove(0);
        }
        self.pending.push(Pending {
            transaction: message.transaction_id,
            peers: message.peers().take(16).collect(),
            channel: message.channel_number(),
        });
    }

    fn answered(&mut self, transaction: &[u8; 16]) -> Option<Pending> {
        let place = (self.pending.iter()).position(|own| own.transaction == *transaction)?;
        Some(self.pending.remove(place))
    }

    /// Says whether there was room for all peers.
    fn permit(&mut self, peers: &[Endpoint], at: Timestamp) -> bool {
        let mut all = true;
        for peer in peers {
            let room = self.permissions.len() < MAX_PEERS;
            match self.permissions.iter_mut().find(|own| own.ip == peer.ip) {
                Some(known) => known.refreshed = at,
                None if room => self.permissions.push(Permission {
                    ip: peer.ip,
                    granted: at,
                    refreshed: at,
                    late: None,
                }),
                None => all = false,
            }
        }
        all
    }

    fn bind(&mut self, number: u16, peer: Endpoint, at: Timestamp) -> bool {
        // Binding a channel permits its peer (RFC 8656, 12.2).
        let permitted = self.permit(&[peer], at);
        let room = self.channels.len() < MAX_PEERS;
        match self.channels.iter_mut().find(|own| own.number == number) {
            Some(known) => {
                known.peer = peer;
                known.refreshed = at;
                permitted
            }
            None if room => {
                self.channels.push(Channel {
                    number,
                    peer,
                    granted: at,
                    refreshed: at,
                    late: None,
                });
                permitted
            }
            None => false,
        }
    }

    /// Whether a binding that was refused contradicts one that stands.
    fn contradiction(&self, at: PacketRef, asked: &Pending) -> Option<Contradiction> {
        let (number, peer) = (asked.channel?, *asked.peers.first()?);
        let standing = self.channels.iter().find(|own| {
            let stands = at.timestamp.since(own.refreshed) < CHANNEL_NS;
            stands && (own.number == number) != (own.peer == peer)
        });
        Some(Contradiction {
            at,
            number,
            peer,
            standing: *standing?,
        })
    }

    /// The peer of a channel. Some use one before they hear that it is bound.
    fn peer_of(&self, number: u16) -> Option<Endpoint> {
        let bound = self.channels.iter().find(|own| own.number == number);
        let asked = || self.pending.iter().find(|own| own.channel == Some(number));
        match bound {
            Some(bound) => Some(bound.peer),
            None => asked()?.peers.first().copied(),
        }
    }

    /// The client sends to a peer, in a channel or not: is it late?
    fn sends(&mut self, at: PacketRef, peer: Endpoint, channel: Option<u16>) {
        let asked = |ip| {
            self.pending
                .iter()
                .flat_map(|own| &own.peers)
                .any(|own| own.ip == ip)
        };
        if asked(peer.ip) {
            return;
        }
        let late = |refreshed: Timestamp, lifetime: i64, late: &mut Option<(PacketRef, u64)>| {
            if at.timestamp.since(refreshed) > lifetime {
                late.get_or_insert((at, 0)).1 += 1;
            }
        };
        if let Some(own) = self.permissions.iter_mut().find(|own| own.ip == peer.ip) {
            late(own.refreshed, PERMISSION_NS, &mut own.late);
        }
        let mut channels = self.channels.iter_mut();
        if let Some(own) = channels.find(|own| Some(own.number) == channel) {
            late(own.refreshed, CHANNEL_NS, &mut own.late);
        }
    }

    fn failed(&mut self, method: u16, code: u16) {
        let room = self.errors.len() < MAX_PEERS;
        let known = (self.errors.iter_mut()).find(|own| (own.0, own.1) == (method, code));
        match known {
            Some(known) => known.2 = known.2.saturating_add(1),
            None if room => self.errors.push((method, code, 1)),
            None => {}
        }
    }
}

impl Engine {
    /// A STUN message of TURN; `flow` goes from the client to the server, but for
    /// indications, which go as they go.
    pub(super) fn turn(
        &mut self,
        at: PacketRef,
        flow: Flow,
        message: &StunMessage<'_>,
        network: Option<&Network>,
    ) {
        if !(ALLOCATE..=CONNECTION_ATTEMPT).contains(&message.method) {
            return;
        }
        if message.method == CONNECTION_BIND {
            self.connection_bind(at, flow, message);
            return;
        }
        let key = (at.capture_point, flow);
        let known = self.turn_allocations.find(&key);
        let handle = match (known, message.class) {
            (Some(handle), Class::Request)
                if message.method == ALLOCATE && self.is_spent(handle) =>
            {
                // The same port asks for another one.
                self.close_turn(handle);
                self.begin_turn(at, flow)
            }
            (Some(handle), _) => handle,
            (None, Class::Indication) => {
                let reversed = (at.capture_point, flow.reversed());
                match self.turn_allocations.find(&reversed) {
                    Some(handle) => handle,
                    None => {
                        self.not_decoded("TURN data of an allocation that was not captured");
                        return;
                    }
                }
            }
            (None, _) => self.begin_turn(at, flow),
        };
        if message.class == Class::Indication {
            self.turn_indication(at, handle, message, network);
            return;
        }
        let Some(allocation) = self.turn_allocations.get_mut(handle) else {
            return;
        };
        allocation.last = at.timestamp;
        let keep = |kept: &mut Option<String>, value: Option<&[u8]>| {
            if let Some(value) = value.filter(|_| kept.is_none()) {
                *kept = Some(octets::text(value));
            }
        };
        keep(&mut allocation.username, message.username());
        keep(&mut allocation.realm, message.realm());
        if message.class != Class::Request {
            allocation.answered = Some(at.timestamp);
        }
        match message.class {
            Class::Request => {
                allocation.asked(message);
                if let Some(protocol) = message.requested_transport() {
                    allocation.is_tcp = protocol == TCP;
                }
            }
            Class::SuccessResponse => {
                keep(&mut allocation.software, message.software());
                let asked = allocation.answered(&message.transaction_id);
                let room = granted(allocation, at.timestamp, message, asked.as_ref());
                if !room {
                    self.limit(Limit::TurnPeers);
                }
                if message.method == CONNECT {
                    self.turn_connected(at, handle, message, asked.as_ref());
                }
                self.tie_turn(handle);
            }
            Class::ErrorResponse => {
                keep(&mut allocation.software, message.software());
                let asked = allocation.answered(&message.transaction_id);
                if let Some(asked) = asked.filter(|_| message.error_code() == Some(400)) {
                    let found = allocation.contradiction(at, &asked);
                    allocation.contradiction = allocation.contradiction.or(found);
                }
                match message.error_code() {
                    Some(401 | 438) => allocation.challenges += 1,
                    code => allocation.failed(message.method, code.unwrap_or_default()),
                }
            }
            Class::Indication => {}
        }
    }

    /// Whether a new request can't be for what is there already.
    fn is_spent(&self, handle: Handle) -> bool {
        (self.turn_allocations.get(handle)).is_some_and(|own| own.released.is_some())
    }

    fn begin_turn(&mut self, at: PacketRef, flow: Flow) -> Handle {
        let serial = self.next_turn;
        self.next_turn += 1;
        let allocation = TurnAllocation {
            serial,
            flow,
            capture_point: at.capture_point,
            first: at,
            last: at.timestamp,
            granted: None,
            lifetime_s: None,
            relayed: None,
            mapped: None,
            username: None,
            realm: None,
            software: None,
            refreshes: 0,
            refreshed: None,
            released: None,
            challenges: 0,
            answered: None,
            errors: SmallVec::new(),
            permissions: Vec::new(),
            channels: Vec::new(),
            connections: Vec::new(),
            is_tcp: false,
            contradiction: None,
            to_peers: Relayed::default(),
            from_peers: Relayed::default(),
            unknown: 0,
            call_id: None,
            pending: SmallVec::new(),
        };
        let key = (at.capture_point, flow);
        let (handle, evicted) = self.turn_allocations.insert(key, allocation);
        if let Some(evicted) = evicted {
            self.limit(Limit::TurnAllocations);
            self.forget_connections(&evicted);
            self.events.push_back(Event::Turn(Box::new(evicted)));
        }
        handle
    }

    /// The call that claims the relayed address.
    fn tie_turn(&mut self, handle: Handle) {
        let Some(allocation) = self.turn_allocations.get_mut(handle) else {
            return;
        };
        if allocation.call_id.is_none()
            && let Some(relayed) = allocation.relayed
            && let Some(call) = self.media.claimant(relayed)
        {
            allocation.call_id = self.calls.get(call).map(|call| call.call_id.clone());
        }
    }

    /// A Send or Data indication (RFC 8656, 11).
    fn turn_indication(
        &mut self,
        at: PacketRef,
        handle: Handle,
        message: &StunMessage<'_>,
        network: Option<&Network>,
    ) {
        if message.method == CONNECTION_ATTEMPT {
            self.turn_connected(at, handle, message, None);
        }
        let (Some(peer), Some(data)) = (message.peer_address(), message.data()) else {
            return;
        };
        let Some(allocation) = self.turn_allocations.get_mut(handle) else {
            return;
        };
        allocation.last = at.timestamp;
        let is_sent = message.method == SEND;
        if !is_sent && message.method != DATA {
            return;
        }
        if is_sent {
            allocation.sends(at, peer, None);
        }
        let relayed = if is_sent {
            &mut allocation.to_peers
        } else {
            &mut allocation.from_peers
        };
        relayed.indications += 1;
        relayed.first.get_or_insert(at.timestamp);
        relayed.octets += data.len() as u64;
        self.relayed(at, handle, is_sent, peer, data, false, network);
    }

    /// A datagram that may be channel data (RFC 8656, 12.4). Says whether it is.
    pub(super) fn channel_datagram(&mut self, at: PacketRef, datagram: &Datagram<'_>) -> bool {
        let Some(length) = u16_at(datagram.payload, 2).map(usize::from) else {
            return false;
        };
        let fits = (length + 4..length + 8).contains(&datagram.payload.len());
        if self.turn_allocations.is_empty() || !(fits || datagram.truncated) {
            return false;
        }
        let network = Some(&datagram.network);
        self.channel_data(at, datagram.flow, datagram.payload, network)
    }

    /// Channel data on a flow. Says whether it belongs to an allocation.
    pub(super) fn channel_data(
        &mut self,
        at: PacketRef,
        flow: Flow,
        payload: &[u8],
        network: Option<&Network>,
    ) -> bool {
        let point = at.capture_point;
        let sent = self.turn_allocations.find(&(point, flow));
        let found = sent.or_else(|| self.turn_allocations.find(&(point, flow.reversed())));
        let (Some(handle), Some(number), Some(length)) =
            (found, u16_at(payload, 0), u16_at(payload, 2))
        else {
            return false;
        };
        let is_sent = sent.is_some();
        let data = octets::span(payload, 4, usize::from(length));
        let is_cut = data.len() < usize::from(length);
        let Some(allocation) = self.turn_allocations.get_mut(handle) else {
            return false;
        };
        allocation.last = at.timestamp;
        let relayed = if is_sent {
            &mut allocation.to_peers
        } else {
            &mut allocation.from_peers
        };
        relayed.channel += 1;
        relayed.first.get_or_insert(at.timestamp);
        relayed.octets += data.len() as u64;
        let peer = allocation.peer_of(number);
        if let Some(peer) = peer.filter(|_| is_sent) {
            allocation.sends(at, peer, Some(number));
        }
        match peer {
            Some(peer) => self.relayed(at, handle, is_sent, peer, data, is_cut, network),
            None => {
                allocation.unknown += 1;
                self.not_decoded("TURN data of a channel whose binding was not captured");
            }
        }
        true
    }

    /// What an allocation carries, as it passes between the relayed address and the
    /// peer.
    #[expect(clippy::too_many_arguments, reason = "the parts of one packet")]
    fn relayed(
        &mut self,
        at: PacketRef,
        handle: Handle,
        is_sent: bool,
        peer: Endpoint,
        data: &[u8],
        is_cut: bool,
        network: Option<&Network>,
    ) {
        self.tie_turn(handle);
        let Some(allocation) = self.turn_allocations.get(handle) else {
            return;
        };
        let Some(own) = allocation.relayed else {
            self.not_decoded("TURN data of an allocation that was not captured");
            return;
        };
        let outer = match is_sent {
            true => allocation.flow,
            false => allocation.flow.reversed(),
        };
        let (src, dst) = if is_sent { (own, peer) } else { (peer, own) };
        if self.tunnel.is_some_and(|own| own.kind == TunnelKind::Turn) {
            self.not_decoded("TURN within TURN");
            return;
        }
        let before = (self.tunnel, self.stretch);
        self.enter(Tunnel {
            kind: TunnelKind::Turn,
            src: outer.src.ip,
            dst: outer.dst.ip,
            key: None,
        });
        let inner = Datagram {
            flow: Flow {
                src,
                dst,
                transport: Transport::Udp,
            },
            network: Network {
                src: src.ip,
                dst: dst.ip,
                ttl: network.map_or(0, |own| own.ttl),
                dscp: network.map_or(0, |own| own.dscp),
                identification: None,
            },
            payload: data,
            truncated: is_cut,
        };
        self.relay = Some(handle);
        self.datagram(at, &inner, 1);
        self.relay = None;
        (self.tunnel, self.stretch) = before;
    }

    pub(super) fn close_turn(&mut self, handle: Handle) {
        self.tie_turn(handle);
        if let Some(allocation) = self.turn_allocations.remove(handle) {
            self.forget_connections(&allocation);
            self.events.push_back(Event::Turn(Box::new(allocation)));
        }
    }
}

/// A request was granted. Says whether there was room for what it brought.
fn granted(
    allocation: &mut TurnAllocation,
    at: Timestamp,
    message: &StunMessage<'_>,
    asked: Option<&Pending>,
) -> bool {
    match message.method {
        ALLOCATE => {
            allocation.granted.get_or_insert(at);
            allocation.refreshed = Some(at);
            allocation.lifetime_s = message.lifetime().or(allocation.lifetime_s);
            allocation.relayed = message.relayed_address().or(allocation.relayed);
            allocation.mapped = message.mapped_address().or(allocation.mapped);
        }
        REFRESH => {
            if message.lifetime() == Some(0) {
                allocation.released = Some(at);
            } else {
                allocation.lifetime_s = message.lifetime().or(allocation.lifetime_s);
                allocation.refreshes += 1;
                allocation.refreshed = Some(at);
            }
        }
        CREATE_PERMISSION => {
            let peers = asked.map(|asked| asked.peers.as_slice());
            return allocation.permit(peers.unwrap_or_default(), at);
        }
        CHANNEL_BIND => {
            if let Some(asked) = asked
                && let (Some(number), Some(peer)) = (asked.channel, asked.peers.first())
            {
                return allocation.bind(number, *peer, at);
            }
        }
        _ => {}
    }
    true
}
