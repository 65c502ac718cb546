//! Connections that a server makes for a client over TCP, and the client's own ones that
//! carry their octets (RFC 6062).

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::{CONNECT, MAX_PEERS, Pending, TurnAllocation};
use crate::engine::Engine;
use crate::engine::limits::Limit;
use crate::engine::table::Handle;
use crate::net::{Endpoint, Flow};
use crate::packet::{CapturePoint, PacketRef};
use crate::stun::{Class, StunMessage};
use crate::time::Timestamp;

/// A connection between an allocation and a peer (RFC 6062, 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerConnection {
    /// The server's number for it.
    pub id: u32,
    /// The peer.
    pub peer: Endpoint,
    /// Whether the peer opened it.
    pub is_incoming: bool,
    /// When the client heard of it.
    pub opened: Timestamp,
    /// The client's connection that carries its octets.
    pub flow: Option<Flow>,
    /// When the server tied the two.
    pub bound: Option<Timestamp>,
    /// Octets that the client sent.
    pub to_peer: u64,
    /// Octets that came for the client.
    pub from_peer: u64,
}

/// Which connections stand for which of an allocation.
#[derive(Debug, Default)]
pub(in crate::engine) struct PeerConnections {
    /// By the server and its number.
    numbers: HashMap<(CapturePoint, IpAddr, u32), Handle, RandomState>,
    /// By the client's connection, from the client to the server.
    flows: HashMap<(CapturePoint, Flow), (Handle, u32), RandomState>,
}

impl PeerConnections {
    pub(in crate::engine) fn bytes_held(&self) -> usize {
        self.numbers.len() * (80 + 2 * size_of::<PeerConnection>()) + self.flows.len() * 130
    }
}

/// Octets of a connection of a peer, inside the client's own.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Spliced {
    allocation: Handle,
    id: u32,
    is_sent: bool,
    /// As they pass between the relayed address and the peer.
    pub(in crate::engine) inner: Flow,
}

impl TurnAllocation {
    fn connection(&mut self, id: u32) -> Option<&mut PeerConnection> {
        self.connections.iter_mut().find(|own| own.id == id)
    }

    /// Says whether there was room.
    fn connected(&mut self, own: PeerConnection) -> bool {
        let is_known = self.connections.iter().any(|known| known.id == own.id);
        let room = self.connections.len() < MAX_PEERS;
        if !is_known && room {
            self.connections.push(own);
        }
        is_known || room
    }
}

impl Engine {
    /// A peer is connected, at the client's wish or at its own.
    pub(super) fn turn_connected(
        &mut self,
        at: PacketRef,
        handle: Handle,
        message: &StunMessage<'_>,
        asked: Option<&Pending>,
    ) {
        let is_incoming = message.method != CONNECT;
        let peer = match is_incoming {
            true => message.peer_address(),
            false => asked.and_then(|asked| asked.peers.first().copied()),
        };
        let (Some(id), Some(peer)) = (message.connection_id(), peer) else {
            return;
        };
        let Some(allocation) = self.turn_allocations.get_mut(handle) else {
            return;
        };
        let server = allocation.flow.dst.ip;
        let room = allocation.connected(PeerConnection {
            id,
            peer,
            is_incoming,
            opened: at.timestamp,
            flow: None,
            bound: None,
            to_peer: 0,
            from_peer: 0,
        });
        if room {
            let key = (at.capture_point, server, id);
            self.peer_connections.numbers.insert(key, handle);
        } else {
            self.limit(Limit::TurnPeers);
        }
    }

    /// The client ties a connection of its own to that of a peer; `flow` goes from the
    /// client to the server.
    pub(super) fn connection_bind(&mut self, at: PacketRef, flow: Flow, message: &StunMessage<'_>) {
        let point = at.capture_point;
        match message.class {
            Class::Request => {
                let Some(id) = message.connection_id() else {
                    return;
                };
                let own = self.peer_connections.numbers.get(&(point, flow.dst.ip, id));
                let Some(handle) = own.copied() else {
                    self.not_decoded("TURN data of an allocation that was not captured");
                    return;
                };
                let allocation = self.turn_allocations.get_mut(handle);
                let Some(own) = allocation.and_then(|own| own.connection(id)) else {
                    return;
                };
                // One connection is tied to one: the map is no longer than they are many.
                if own.bound.is_none() {
                    let before = own.flow.replace(flow);
                    let flows = &mut self.peer_connections.flows;
                    before.and_then(|before| flows.remove(&(point, before)));
                    flows.insert((point, flow), (handle, id));
                }
            }
            Class::SuccessResponse => {
                let Some((handle, id)) = self.peer_connections.flows.get(&(point, flow)) else {
                    return;
                };
                if let Some(allocation) = self.turn_allocations.get_mut(*handle)
                    && let Some(connection) = allocation.connection(*id)
                {
                    connection.bound.get_or_insert(at.timestamp);
                }
            }
            Class::ErrorResponse | Class::Indication => {}
        }
    }

    /// An allocation is gone, and its connections with it.
    pub(super) fn forget_connections(&mut self, allocation: &TurnAllocation) {
        let (point, server) = (allocation.capture_point, allocation.flow.dst.ip);
        let gone = |handle: Handle| self.turn_allocations.get(handle).is_none();
        let PeerConnections { numbers, flows } = &mut self.peer_connections;
        for own in &allocation.connections {
            let number = (point, server, own.id);
            // Both may be another allocation's by now.
            if numbers.get(&number).is_some_and(|own| gone(*own)) {
                numbers.remove(&number);
            }
            let flow = own.flow.map(|flow| (point, flow));
            if let Some(flow) = flow
                && flows.get(&flow).is_some_and(|(own, _)| gone(*own))
            {
                flows.remove(&flow);
            }
        }
    }

    /// Whether what comes on a connection to a server is a peer's, or is for one.
    pub(in crate::engine) fn spliced(&self, point: CapturePoint, flow: Flow) -> Option<Spliced> {
        if self.peer_connections.flows.is_empty() {
            return None;
        }
        let of = |flow| self.peer_connections.flows.get(&(point, flow));
        let sent = of(flow);
        let (allocation, id) = *sent.or_else(|| of(flow.reversed()))?;
        let own = self.turn_allocations.get(allocation)?;
        let connection = own.connections.iter().find(|own| own.id == id)?;
        connection.bound?;
        let (relayed, peer) = (own.relayed?, connection.peer);
        let is_sent = sent.is_some();
        let (src, dst) = if is_sent {
            (relayed, peer)
        } else {
            (peer, relayed)
        };
        let inner = Flow {
            src,
            dst,
            transport: crate::net::Transport::Tcp,
        };
        Some(Spliced {
            allocation,
            id,
            is_sent,
            inner,
        })
    }

    /// So many octets of it passed.
    pub(in crate::engine) fn count_spliced(&mut self, own: Spliced, octets: usize) {
        if let Some(allocation) = self.turn_allocations.get_mut(own.allocation)
            && let Some(connection) = allocation.connection(own.id)
        {
            let count = match own.is_sent {
                true => &mut connection.to_peer,
                false => &mut connection.from_peer,
            };
            *count = count.saturating_add(octets as u64);
        }
    }
}
