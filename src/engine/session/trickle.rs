//! Candidates that follow the description which they belong to (RFC 8838, RFC 8840).

use super::{Address, AddressRole, Session, Side};
use crate::engine::limits::{Limit, Limits};
use crate::sdp::{Candidate, IceFragment};
use crate::time::Timestamp;

/// Candidates of ICE that followed a description (RFC 8840), of one medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trickled {
    /// Whose they are.
    pub side: Side,
    /// Of which medium.
    pub media: u8,
    /// The user fragment that they are for.
    pub ufrag: Option<String>,
    /// The candidates.
    pub candidates: Vec<Candidate>,
    /// Whether it says that none follow.
    pub is_end: bool,
    /// When they came.
    pub at: Timestamp,
    body: u64,
}

impl Trickled {
    /// Octets held, about.
    pub(super) fn cost(&self) -> usize {
        size_of::<Self>() + self.candidates.len() * (size_of::<Candidate>() + 64)
    }
}

impl Session {
    /// Takes candidates that followed a description, once; hands back addresses that
    /// are new.
    pub(in crate::engine) fn trickle(
        &mut self,
        side: Side,
        at: Timestamp,
        hash: u64,
        fragment: &IceFragment,
        limits: &Limits,
    ) -> Vec<Address> {
        let mut new = Vec::new();
        if (self.trickled.iter()).any(|own| own.body == hash && own.side == side) {
            return new;
        }
        self.passed.unless(!fragment.is_cut, Limit::Descriptions);
        for (medium, place) in fragment.media.iter().zip(0_u8..) {
            let mut epochs = self.epochs.iter().rev();
            let described = epochs.find_map(|epoch| epoch.description(side));
            let named = described.zip(medium.mid.as_deref()).and_then(|(own, mid)| {
                let mut mids = own.media.iter().map(|own| own.mid.as_deref());
                mids.position(|own| own == Some(mid))
            });
            let media = named.map_or(place, |place| u8::try_from(place).unwrap_or(u8::MAX));
            let before = described.and_then(|own| own.media.get(usize::from(media)));
            let ufrag = medium
                .ice_ufrag
                .clone()
                .or_else(|| before?.ice_ufrag.clone());
            let room = self.trickled.len() < limits.bodies_per_call;
            self.passed.unless(room, Limit::BodiesPerCall);
            if !room {
                break;
            }
            for candidate in &medium.candidates {
                let address = candidate.reached_at().map(|endpoint| Address {
                    endpoint,
                    side,
                    media,
                    own: true,
                    role: AddressRole::Candidate,
                });
                new.extend(address.and_then(|own| self.add_address(own, limits)));
            }
            self.trickled.push(Trickled {
                side,
                media,
                ufrag,
                candidates: medium.candidates.clone(),
                is_end: medium.has_all_candidates,
                at,
                body: hash,
            });
        }
        new
    }
}
