//! Which call a stream belongs to, by the addresses that calls claim.

use smallvec::SmallVec;

use super::packets::through;
use super::{Claim, is_rtp};
use crate::engine::Engine;
use crate::engine::call::Call;
use crate::engine::limits::Limit;
use crate::engine::rtp_stream::{Association, Membership};
use crate::engine::session::{Address, AddressRole, Side};
use crate::engine::table::{Entry, Handle};
use crate::net::{Endpoint, Flow};

impl Engine {
    pub(super) fn wait_for_claim(&mut self, dst: Endpoint, flow: Handle) {
        let max = self.media.limits.flows;
        if self.media.unclaimed.len() >= max && !self.media.unclaimed.contains_key(&dst) {
            self.limit(Limit::Unclaimed);
            return;
        }
        let waiting = self.media.unclaimed.entry(dst).or_default();
        if waiting.contains(&flow) {
            return;
        }
        if waiting.len() >= self.media.limits.waiting_per_address {
            self.limit(Limit::Unclaimed);
            return;
        }
        waiting.push(flow);
    }

    pub(super) fn join(&mut self, handle: Handle, membership: Membership) {
        let Some(stream) = self.media.streams.get_mut(handle) else {
            return;
        };
        let Some(call) = self.calls.get_mut(membership.call) else {
            return;
        };
        stream.membership = Some(through(membership, stream.tunnel));
        call.streams.push(handle);
        self.secure(handle);
    }

    /// An address was claimed: streams that already go there find their call.
    pub(in crate::engine) fn adopt(&mut self, call: Handle, endpoint: Endpoint) {
        let Some(flows) = self.media.unclaimed.remove(&endpoint) else {
            return;
        };
        let mut left = SmallVec::<[Handle; 1]>::new();
        for flow_handle in flows {
            let streams: SmallVec<[Handle; 1]> = match self.media.flows.get(flow_handle) {
                Some(flow) => flow.streams.iter().map(|(_, stream)| *stream).collect(),
                None => continue,
            };
            let mut joined = false;
            for handle in streams {
                let Some(stream) = self.media.streams.get(handle) else {
                    continue;
                };
                if stream.membership.is_some() {
                    continue;
                }
                let Some(membership) = self
                    .membership(stream.flow, is_rtp)
                    .filter(|membership| membership.call == call)
                else {
                    continue;
                };
                let described = self.calls.get(call).is_some_and(|call| {
                    stream
                        .payload_types
                        .iter()
                        .any(|(kind, _)| call.session.knows_payload_type(*kind))
                });
                if !described && !stream.proven {
                    continue;
                }
                self.join(handle, membership);
                if let Some(stream) = self.media.streams.get_mut(handle) {
                    stream.proven = true;
                }
                if let Some(flow) = self.media.flows.get_mut(flow_handle) {
                    flow.membership = Some(membership);
                }
                joined = true;
            }
            if !joined {
                left.push(flow_handle);
            }
        }
        if !left.is_empty() {
            self.media.unclaimed.insert(endpoint, left);
        }
    }

    /// Whose stream goes this way, by the addresses that calls claim.
    pub(in crate::engine) fn membership(
        &self,
        flow: Flow,
        kind: impl Fn(AddressRole) -> bool,
    ) -> Option<Membership> {
        let claims = self.media.claims.get(&flow.dst)?;
        let candidates: SmallVec<[(&Claim, &Call, bool); 2]> = claims
            .iter()
            .filter(|claim| kind(claim.role))
            .filter_map(|claim| {
                let call = self.calls.get(claim.call)?;
                let from_peer = call.session.addresses.iter().any(|address| {
                    address.endpoint == flow.src && address.side == claim.side.other()
                });
                Some((claim, call, from_peer))
            })
            .collect();
        // Both ends known beat one; a call that stands beats one that ended;
        // the latest claim beats those before.
        let best = candidates
            .iter()
            .enumerate()
            .max_by_key(|(place, (_, call, from_peer))| (*from_peer, call.rank(), *place))?
            .1;
        let rivals = candidates
            .iter()
            .filter(|(claim, call, from_peer)| {
                claim.call != best.0.call && *from_peer == best.2 && call.rank() == best.1.rank()
            })
            .count();
        if rivals > 0 && !best.2 {
            // Several calls receive here and none is known to be sent from
            // there: better none than the wrong one.
            return None;
        }
        Some(Membership {
            call: best.0.call,
            to: best.0.side,
            media: best.0.media,
            association: match best.0.role {
                AddressRole::Candidate => Association::Ice,
                _ => Association::Sdp,
            },
        })
    }

    /// Whose stream comes from an address that exactly one standing call
    /// claims to receive at: symmetric RTP (RFC 4961).
    pub(in crate::engine) fn membership_by_source(
        &self,
        flow: Flow,
        kind: impl Fn(AddressRole) -> bool,
    ) -> Option<Membership> {
        let claims = self.media.claims.get(&flow.src)?;
        let mut standing = claims.iter().filter(|claim| {
            kind(claim.role)
                && self
                    .calls
                    .get(claim.call)
                    .is_some_and(|call| call.rank() > 0)
        });
        let claim = standing.next()?;
        if standing.any(|other| other.call != claim.call) {
            return None;
        }
        Some(Membership {
            call: claim.call,
            to: claim.side.other(),
            media: claim.media,
            association: Association::Nat,
        })
    }

    /// A connectivity check between two addresses of a call: media may follow
    /// in both directions.
    pub(in crate::engine) fn checked(&mut self, flow: Flow, handle: Handle, to: Side, media: u8) {
        let max = self.config.limits.addresses_per_call;
        for (endpoint, side) in [(flow.dst, to), (flow.src, to.other())] {
            let Some(call) = self.calls.get_mut(handle) else {
                return;
            };
            let known = call
                .session
                .addresses
                .iter()
                .any(|address| address.endpoint == endpoint && address.side == side);
            if known {
                continue;
            }
            if call.session.addresses.len() >= max {
                self.limit(Limit::AddressesPerCall);
                continue;
            }
            let address = Address {
                endpoint,
                side,
                media,
                own: false,
                role: AddressRole::Candidate,
            };
            call.session.addresses.push(address);
            if !self.media.claim(handle, &address) {
                self.limit(Limit::Claims);
            }
            self.adopt(handle, endpoint);
        }
    }
}
