//! One allocation: what was asked and granted, and what passed.

use smallvec::SmallVec;

use super::mobility::{self, Move, Ticket};
use super::{ALLOCATE, CHANNEL_BIND, CREATE_PERMISSION, PeerConnection, REFRESH};
use crate::engine::table::Entry;
use crate::net::{Endpoint, Flow};
use crate::packet::{CapturePoint, PacketRef};
use crate::stun::StunMessage;
use crate::time::{SECOND, Timestamp};

/// Requests of one allocation that wait for their answer.
const MAX_PENDING: usize = 32;
/// Peers, channels and kinds of errors of one allocation that are told apart.
pub(super) const MAX_PEERS: usize = 64;
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
    /// Whether the client wanted to give it back, granted or not.
    pub is_given_back: bool,
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
    /// Channel data on its connection that was not filled up to four octets: the first,
    /// who sent it, and how often.
    pub not_padded: Option<(PacketRef, Endpoint, u64)>,
    /// How its client moved, in the order of time.
    pub moves: Vec<Move>,
    /// What the server knows it by, wherever the client is.
    pub(super) ticket: Option<Ticket>,
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
    /// The first packet that came in IP fragments, and how many did.
    pub fragmented: Option<(PacketRef, u64)>,
}

impl Relayed {
    /// Counts one packet.
    pub(super) fn took(&mut self, at: PacketRef, data: &[u8], fragments: u32) {
        self.first.get_or_insert(at.timestamp);
        self.octets += data.len() as u64;
        if fragments > 1 {
            self.fragmented.get_or_insert((at, 0)).1 += 1;
        }
    }
}

/// A request that waits for its answer.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    transaction: [u8; 16],
    pub(super) peers: SmallVec<[Endpoint; 1]>,
    channel: Option<u16>,
    pub(super) ticket: Option<Ticket>,
}

impl Entry for TurnAllocation {
    fn last_seen(&self) -> Timestamp {
        self.last
    }

    fn rank(&self) -> u8 {
        u8::from(self.is_active())
    }
}

impl TurnAllocation {
    /// One of which the first packet has come.
    pub(super) fn new(serial: u64, at: PacketRef, flow: Flow) -> Self {
        Self {
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
            is_given_back: false,
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
            not_padded: None,
            moves: Vec::new(),
            ticket: None,
            call_id: None,
            pending: SmallVec::new(),
        }
    }

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

    pub(in crate::engine) fn is_over(&self, now: Timestamp) -> bool {
        let since = match self.is_active() {
            true => self.ends().max(self.last),
            false => self.last,
        };
        now.since(since) > SILENT_NS
    }

    pub(super) fn asked(&mut self, message: &StunMessage<'_>) {
        self.is_given_back |= message.method == REFRESH && message.lifetime() == Some(0);
        if self.pending.len() >= MAX_PENDING {
            self.pending.remove(0);
        }
        self.pending.push(Pending {
            transaction: message.transaction_id,
            peers: message.peers().take(16).collect(),
            channel: message.channel_number(),
            ticket: mobility::shown(message),
        });
    }

    pub(super) fn answered(&mut self, transaction: &[u8; 16]) -> Option<Pending> {
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
    pub(super) fn contradiction(&self, at: PacketRef, asked: &Pending) -> Option<Contradiction> {
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
    pub(super) fn peer_of(&self, number: u16) -> Option<Endpoint> {
        let bound = self.channels.iter().find(|own| own.number == number);
        let asked = || self.pending.iter().find(|own| own.channel == Some(number));
        match bound {
            Some(bound) => Some(bound.peer),
            None => asked()?.peers.first().copied(),
        }
    }

    /// The client sends to a peer, in a channel or not: is it late?
    pub(super) fn sends(&mut self, at: PacketRef, peer: Endpoint, channel: Option<u16>) {
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

    /// A request was refused. Says whether there was room for its kind.
    pub(super) fn failed(&mut self, method: u16, code: u16) -> bool {
        let room = self.errors.len() < MAX_PEERS;
        let known = (self.errors.iter_mut()).find(|own| (own.0, own.1) == (method, code));
        match known {
            Some(known) => known.2 = known.2.saturating_add(1),
            None if room => self.errors.push((method, code, 1)),
            None => return false,
        }
        true
    }

    /// A request was granted. Says whether there was room for what it brought.
    pub(super) fn grant(
        &mut self,
        at: Timestamp,
        message: &StunMessage<'_>,
        asked: Option<&Pending>,
    ) -> bool {
        match message.method {
            ALLOCATE => {
                self.granted.get_or_insert(at);
                self.refreshed = Some(at);
                self.lifetime_s = message.lifetime().or(self.lifetime_s);
                self.relayed = message.relayed_address().or(self.relayed);
                self.mapped = message.mapped_address().or(self.mapped);
            }
            REFRESH => {
                if message.lifetime() == Some(0) {
                    self.released = Some(at);
                } else {
                    self.lifetime_s = message.lifetime().or(self.lifetime_s);
                    self.refreshes += 1;
                    self.refreshed = Some(at);
                }
            }
            CREATE_PERMISSION => {
                let peers = asked.map(|asked| asked.peers.as_slice());
                return self.permit(peers.unwrap_or_default(), at);
            }
            CHANNEL_BIND => {
                if let Some(asked) = asked
                    && let (Some(number), Some(peer)) = (asked.channel, asked.peers.first())
                {
                    return self.bind(number, *peer, at);
                }
            }
            _ => {}
        }
        true
    }
}
