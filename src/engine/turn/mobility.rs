//! Allocations that follow their client to another address (RFC 8016).
//!
//! The server hands the client a ticket with each answer; a Refresh that shows it from
//! another address takes the allocation there.

use smallvec::SmallVec;

use super::allocation::Pending;
use super::{REFRESH, TurnAllocation};
use crate::engine::Engine;
use crate::engine::limits::Limit;
use crate::engine::table::Handle;
use crate::net::{Endpoint, Flow};
use crate::packet::{CapturePoint, PacketRef};
use crate::stun::StunMessage;

/// The longest ticket that is followed.
const MAX_TICKET: usize = 256;
/// Moves of one allocation that are told apart.
const MAX_MOVES: usize = 32;

/// A ticket, at the server that it is of.
pub(in crate::engine) type TicketKey = (CapturePoint, Endpoint, Ticket);

/// What a server knows an allocation by, wherever its client is.
pub(super) type Ticket = SmallVec<[u8; 32]>;

/// A client that went on from another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The answer that granted it.
    pub at: PacketRef,
    /// Where the client was before.
    pub from: Endpoint,
}

/// A ticket that is short enough to be followed, and is none of a client that asks for one.
pub(super) fn ticket(message: &StunMessage<'_>) -> Option<Ticket> {
    let octets = message.mobility_ticket()?;
    (1..=MAX_TICKET)
        .contains(&octets.len())
        .then(|| Ticket::from_slice(octets))
}

impl Engine {
    /// The server hands out a ticket, in place of the one before.
    pub(super) fn ticket_given(&mut self, handle: Handle, message: &StunMessage<'_>) {
        let (Some(ticket), Some(allocation)) =
            (ticket(message), self.turn_allocations.get_mut(handle))
        else {
            return;
        };
        let (point, server) = (allocation.capture_point, allocation.flow.dst);
        if let Some(before) = allocation.ticket.replace(ticket.clone()) {
            self.turn_tickets.remove(&(point, server, before));
        }
        self.turn_tickets.insert((point, server, ticket), handle);
    }

    /// Its ticket leads nowhere any more.
    pub(super) fn forget_ticket(&mut self, allocation: &TurnAllocation) {
        if let Some(ticket) = &allocation.ticket {
            let (point, server) = (allocation.capture_point, allocation.flow.dst);
            self.turn_tickets.remove(&(point, server, ticket.clone()));
        }
    }

    /// A Refresh was granted on a flow: the allocation that it was for, which may be one of
    /// another flow until now.
    pub(super) fn moved(
        &mut self,
        at: PacketRef,
        flow: Flow,
        handle: Handle,
        asked: Option<&Pending>,
    ) -> Handle {
        let ticket = asked.and_then(|own| own.ticket.clone());
        let known = ticket.and_then(|ticket| {
            let key = (at.capture_point, flow.dst, ticket);
            self.turn_tickets.get(&key).copied()
        });
        let Some(known) = known.filter(|known| *known != handle) else {
            return handle;
        };
        let is_new = (self.turn_allocations.get(handle)).is_some_and(|own| own.granted.is_none());
        if !is_new {
            return handle;
        }
        let Some(mut allocation) = self.turn_allocations.remove(known) else {
            return handle;
        };
        let asking = self.turn_allocations.remove(handle);
        if allocation.moves.len() < MAX_MOVES {
            let from = allocation.flow.src;
            allocation.moves.push(Move { at, from });
        } else {
            self.limit(Limit::TurnPeers);
        }
        allocation.challenges += asking.map_or(0, |own| own.challenges);
        allocation.flow = flow;
        (allocation.last, allocation.answered) = (at.timestamp, Some(at.timestamp));
        let ticket = allocation.ticket.clone();
        let (moved, _) = self
            .turn_allocations
            .insert((at.capture_point, flow), allocation);
        if let Some(ticket) = ticket {
            let key = (at.capture_point, flow.dst, ticket);
            self.turn_tickets.insert(key, moved);
        }
        moved
    }
}

/// The ticket that a request shows.
pub(super) fn shown(message: &StunMessage<'_>) -> Option<Ticket> {
    (message.method == REFRESH)
        .then(|| ticket(message))
        .flatten()
}
