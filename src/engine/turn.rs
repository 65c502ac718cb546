//! TURN allocations, and what passes through them (RFC 8656, RFC 5766).

mod allocation;
mod connection;
mod mobility;

pub use self::allocation::{Channel, Contradiction, Permission, Relayed, TurnAllocation};
use self::allocation::{MAX_PEERS, Pending};
pub use self::connection::PeerConnection;
pub(super) use self::connection::{PeerConnections, Spliced};
pub use self::mobility::Move;
pub(super) use self::mobility::TicketKey;

use super::limits::Limit;
use super::table::Handle;
use super::{Engine, Event};
use crate::link::{Datagram, Network, Tunnel, TunnelKind};
use crate::net::{Endpoint, Flow, Transport};
use crate::octets::{self, u16_at};
use crate::packet::{CapturePoint, PacketRef};
use crate::stun::{Class, StunMessage};

const ALLOCATE: u16 = 3;
const REFRESH: u16 = 4;
const SEND: u16 = 6;
const DATA: u16 = 7;
const CREATE_PERMISSION: u16 = 8;
const CHANNEL_BIND: u16 = 9;
const CONNECT: u16 = 10;
pub(super) const CONNECTION_BIND: u16 = 11;
const CONNECTION_ATTEMPT: u16 = 12;

/// The protocol number of TCP.
const TCP: u8 = 6;

pub(super) type TurnKey = (CapturePoint, Flow);

impl Engine {
    /// A STUN message of TURN; `flow` goes from the client to the server, but for
    /// indications, which go as they go.
    pub(super) fn turn(
        &mut self,
        at: PacketRef,
        flow: Flow,
        message: &StunMessage<'_>,
        network: Option<&Network>,
        fragments: u32,
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
            self.turn_indication(at, handle, message, network, fragments);
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
                let handle = self.moved(at, flow, handle, asked.as_ref());
                let room = (self.turn_allocations.get_mut(handle))
                    .is_none_or(|own| own.grant(at.timestamp, message, asked.as_ref()));
                if !room {
                    self.limit(Limit::TurnPeers);
                }
                self.ticket_given(handle, message);
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
                    code => {
                        if !allocation.failed(message.method, code.unwrap_or_default()) {
                            self.limit(Limit::TurnPeers);
                        }
                    }
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
        let allocation = TurnAllocation::new(serial, at, flow);
        let key = (at.capture_point, flow);
        let (handle, evicted) = self.turn_allocations.insert(key, allocation);
        if let Some(evicted) = evicted {
            self.limit(Limit::TurnAllocations);
            self.forget_connections(&evicted);
            self.forget_ticket(&evicted);
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
        fragments: u32,
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
        relayed.took(at, data, fragments);
        relayed.indications += 1;
        self.relayed(at, handle, is_sent, peer, data, false, network);
    }

    /// A datagram that may be channel data (RFC 8656, 12.4). Says whether it is.
    pub(super) fn channel_datagram(
        &mut self,
        at: PacketRef,
        datagram: &Datagram<'_>,
        fragments: u32,
    ) -> bool {
        let Some(length) = u16_at(datagram.payload, 2).map(usize::from) else {
            return false;
        };
        let fits = (length + 4..length + 8).contains(&datagram.payload.len());
        if self.turn_allocations.is_empty() || !(fits || datagram.truncated) {
            return false;
        }
        let network = Some(&datagram.network);
        self.channel_data(at, datagram.flow, datagram.payload, network, fragments)
    }

    /// Channel data on a flow. Says whether it belongs to an allocation.
    pub(super) fn channel_data(
        &mut self,
        at: PacketRef,
        flow: Flow,
        payload: &[u8],
        network: Option<&Network>,
        fragments: u32,
    ) -> bool {
        let (sent, found) = self.allocation_of(at.capture_point, flow);
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
        relayed.took(at, data, fragments);
        relayed.channel += 1;
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

    /// The allocation that a client asked for on a flow, and the one that the flow is of,
    /// either way.
    fn allocation_of(&self, point: CapturePoint, flow: Flow) -> (Option<Handle>, Option<Handle>) {
        let sent = self.turn_allocations.find(&(point, flow));
        let reversed = || self.turn_allocations.find(&(point, flow.reversed()));
        (sent, sent.or_else(reversed))
    }

    /// Channel data on a connection was not filled up to four octets (RFC 8656, 12.5).
    pub(super) fn not_padded(&mut self, at: PacketRef, flow: Flow) {
        let (_, found) = self.allocation_of(at.capture_point, flow);
        if let Some(allocation) = found.and_then(|own| self.turn_allocations.get_mut(own)) {
            let (_, _, count) = allocation.not_padded.get_or_insert((at, flow.src, 0));
            *count += 1;
        }
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
            self.forget_ticket(&allocation);
            self.events.push_back(Event::Turn(Box::new(allocation)));
        }
    }
}
