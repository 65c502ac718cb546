//! Messages of sessions (MSRP, RFC 4975), tied to the calls whose descriptions name them.

use smallvec::SmallVec;

use super::Engine;
use super::limits::Limit;
use super::session::Side;
use super::stream::TcpDirection;
use crate::msrp::{self, MsrpChunk, MsrpEnd, MsrpFramed, MsrpKind};
use crate::packet::PacketRef;
use crate::time::Timestamp;

/// The messages of one medium at one capture point.
#[derive(Clone, Debug)]
pub struct MsrpSession {
    /// Which medium.
    pub media: u8,
    /// The first.
    pub first: PacketRef,
    /// The last.
    pub last: Timestamp,
    /// What each side sent: the caller, the callee.
    pub sides: [MsrpSide; 2],
    /// Types of what was sent, in the order in which they came.
    pub content_types: SmallVec<[String; 2]>,
}

/// What one side sent.
#[derive(Clone, Debug, Default)]
pub struct MsrpSide {
    /// Messages that came to their end.
    pub messages: u64,
    /// Requests that carried them.
    pub chunks: u64,
    /// Octets of them.
    pub octets: u64,
    /// Messages that it gave up.
    pub aborted: u64,
    /// Reports of what became of the other side's.
    pub reports: u64,
    /// Of its requests, those that were refused, by status.
    pub refused: SmallVec<[(u16, u64); 2]>,
}

/// Types and statuses of one session that are told apart.
const MAX_KINDS: usize = 16;
/// The longest type that is kept.
const MAX_TYPE: usize = 128;

impl MsrpSession {
    /// Octets held, about.
    pub(super) const COST: usize = size_of::<Self>() + 400;

    /// Messages and parts of them, both ways.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        let [caller, callee] = &self.sides;
        caller.chunks + callee.chunks
    }

    /// Takes a message. Says whether there was room for what it tells.
    fn take(&mut self, at: Timestamp, by: Side, chunk: &MsrpChunk) -> bool {
        let mut room = true;
        self.last = self.last.max(at);
        let [caller, callee] = &mut self.sides;
        let (own, other) = match by {
            Side::Caller => (caller, callee),
            Side::Callee => (callee, caller),
        };
        match chunk.kind {
            MsrpKind::Send => {
                own.chunks += 1;
                own.octets = own.octets.saturating_add(chunk.octets);
                own.messages += u64::from(chunk.end == MsrpEnd::Last);
                own.aborted += u64::from(chunk.end == MsrpEnd::Aborted);
            }
            MsrpKind::Report => own.reports += 1,
            MsrpKind::Response(200) | MsrpKind::Other => {}
            MsrpKind::Response(status) => {
                let refused = &mut other.refused;
                let has_room = refused.len() < MAX_KINDS;
                match refused.iter_mut().find(|(known, _)| *known == status) {
                    Some((_, count)) => *count += 1,
                    None if has_room => refused.push((status, 1)),
                    None => room = false,
                }
            }
        }
        if let Some(kind) = &chunk.content_type
            && self.content_types.len() < MAX_KINDS
            && kind.len() <= MAX_TYPE
            && !self.content_types.contains(kind)
        {
            self.content_types.push(kind.clone());
        }
        room
    }
}

impl Engine {
    /// Messages of a direction. Says whether it can be read on.
    pub(super) fn frame_msrp(&mut self, direction: &mut TcpDirection, octets: &[u8]) -> bool {
        let Some(mut framer) = direction.msrp.take() else {
            return false;
        };
        framer.push(octets);
        while let Some(framed) = framer.poll() {
            match framed {
                MsrpFramed::Chunk(chunk) => self.msrp_chunk(direction.last(), &chunk),
                MsrpFramed::Lost => return false,
            }
        }
        direction.msrp = Some(framer);
        true
    }

    fn msrp_chunk(&mut self, at: PacketRef, chunk: &MsrpChunk) {
        self.counters.msrp_messages += 1;
        let owner = |uri: &str| self.media.msrp_session(&msrp::session_of(uri)?);
        // Both ends are in the descriptions; a relay may have named one of them.
        let tied = owner(&chunk.from).or_else(|| {
            let (call, side, media) = owner(&chunk.to)?;
            Some((call, side.other(), media))
        });
        let Some((call, by, media)) = tied else {
            self.not_decoded("MSRP of a session that no description names");
            return;
        };
        let Some(call) = self.calls.get_mut(call) else {
            return;
        };
        let known = (call.msrp.iter())
            .position(|own| own.media == media && own.first.capture_point == at.capture_point);
        let place = match known {
            Some(place) => place,
            None if call.msrp.len() >= self.config.limits.msrp_per_call => {
                self.limit(Limit::MsrpPerCall);
                return;
            }
            None => {
                call.msrp.push(MsrpSession {
                    media,
                    first: at,
                    last: at.timestamp,
                    sides: Default::default(),
                    content_types: SmallVec::new(),
                });
                call.cost += MsrpSession::COST;
                self.calls_cost += MsrpSession::COST;
                call.msrp.len() - 1
            }
        };
        let own = call.msrp.get_mut(place);
        if own.is_some_and(|own| !own.take(at.timestamp, by, chunk)) {
            self.limit(Limit::MsrpPerCall);
        }
    }
}
