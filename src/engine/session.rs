//! What two sides agreed to send each other (RFC 3264).

mod trickle;

use std::sync::Arc;

use crate::net::Endpoint;
use crate::sdp::{MediaDescription, MediaDirection, MediaKind, SessionDescription};
use crate::time::Timestamp;

pub use trickle::Trickled;

use super::limits::{Limit, Limits, Passed};

/// A side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Who sent the INVITE that made the dialog.
    Caller,
    /// Who received it.
    Callee,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Caller => Self::Callee,
            Self::Callee => Self::Caller,
        }
    }

    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Callee => "callee",
        }
    }
}

/// One offer and its answer.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// The exchange of messages that carried it.
    pub exchange: usize,
    /// When the offer was made.
    pub offered: Timestamp,
    /// When the answer came; `None` while there is none.
    pub from: Option<Timestamp>,
    /// Who offered.
    pub offer_by: Side,
    /// The offer as its maker wrote it.
    pub offer: Arc<SessionDescription>,
    /// The answer as its maker wrote it.
    pub answer: Option<Arc<SessionDescription>>,
    /// Whether the offer was refused; what was agreed before stays.
    pub refused: bool,
    /// Packets of each stream of the call, by its serial, when this began.
    pub baseline: Vec<(u64, u64)>,
}

impl Epoch {
    /// What `side` wrote.
    #[must_use]
    pub fn description(&self, side: Side) -> Option<&SessionDescription> {
        if side == self.offer_by {
            Some(&self.offer)
        } else {
            self.answer.as_deref()
        }
    }

    /// Medium number `index` as `side` wrote it.
    #[must_use]
    pub fn medium(&self, side: Side, index: usize) -> Option<&MediaDescription> {
        self.description(side)?.media.get(index)
    }

    /// Whether `side` may send medium `index`: it wants to, and the other
    /// wants to receive.
    #[must_use]
    pub fn may_send(&self, side: Side, index: usize) -> bool {
        let sends = |media: &MediaDescription| {
            matches!(
                media.effective_direction(),
                MediaDirection::SendRecv | MediaDirection::SendOnly
            )
        };
        // An unspecified address marks the hold: its owner hears nothing.
        let receives = |media: &MediaDescription| {
            matches!(
                media.effective_direction(),
                MediaDirection::SendRecv | MediaDirection::RecvOnly
            ) && media.port != 0
        };
        self.medium(side, index).is_none_or(sends)
            && self.medium(side.other(), index).is_none_or(receives)
    }

    /// Whether it was answered and not refused.
    #[must_use]
    pub const fn is_agreed(&self) -> bool {
        self.answer.is_some() && !self.refused
    }

    /// Whether somebody holds the first audio: not both may send.
    #[must_use]
    pub fn is_hold(&self) -> bool {
        let audio = self
            .offer
            .media
            .iter()
            .position(|media| media.kind == MediaKind::Audio);
        audio.is_some_and(|index| {
            let direction = |side| {
                self.medium(side, index)
                    .is_some_and(|media| media.effective_direction() != MediaDirection::SendRecv)
            };
            direction(Side::Caller) || direction(Side::Callee)
        })
    }
}

/// An address that a description claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// Where packets go.
    pub endpoint: Endpoint,
    /// Who receives there.
    pub side: Side,
    /// Which medium.
    pub media: u8,
    /// Whether it stands in the description as its maker wrote it, not as a
    /// relay, a proxy or an ALG rewrote it on the way.
    pub own: bool,
    /// What is received there.
    pub role: AddressRole,
}

/// What is received at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressRole {
    /// RTP (and RTCP when they share a port).
    Rtp,
    /// RTCP.
    Rtcp,
    /// Fax (T.38).
    Udptl,
    /// Whatever ICE picks it for.
    Candidate,
}

/// Offers, answers and addresses of a call.
#[derive(Clone, Debug, Default)]
pub struct Session {
    bodies: Vec<(u64, Arc<SessionDescription>)>,
    /// Candidates that came by themselves.
    pub trickled: Vec<Trickled>,
    /// In the order of their offers.
    pub epochs: Vec<Epoch>,
    /// All addresses claimed.
    pub addresses: Vec<Address>,
    pub(super) passed: Passed,
    /// (exchange, side, body) that have claimed theirs.
    claimed: Vec<(usize, Side, u64)>,
}

impl Session {
    /// The description of a body, parsed once.
    pub fn description(
        &mut self,
        hash: u64,
        read: impl FnOnce() -> Option<Arc<SessionDescription>>,
        limits: &Limits,
    ) -> Option<Arc<SessionDescription>> {
        if let Some((_, known)) = self.bodies.iter().find(|(known, _)| *known == hash) {
            return Some(Arc::clone(known));
        }
        let description = read()?;
        self.passed.unless(!description.is_cut, Limit::Descriptions);
        let room = self.bodies.len() < limits.bodies_per_call;
        self.passed.unless(room, Limit::BodiesPerCall);
        if !room {
            self.bodies.remove(0);
        }
        self.bodies.push((hash, Arc::clone(&description)));
        Some(description)
    }

    /// `side` offers in `exchange`.
    pub fn offer(
        &mut self,
        exchange: usize,
        side: Side,
        at: Timestamp,
        description: Arc<SessionDescription>,
        limits: &Limits,
    ) {
        if self.epochs.iter().any(|epoch| epoch.exchange == exchange) {
            return;
        }
        let room = self.epochs.len() < limits.epochs_per_call;
        self.passed.unless(room, Limit::EpochsPerCall);
        if !room {
            return;
        }
        self.epochs.push(Epoch {
            exchange,
            offered: at,
            from: None,
            offer_by: side,
            offer: description,
            answer: None,
            refused: false,
            baseline: Vec::new(),
        });
    }

    /// `exchange` is answered. Later answers of the same exchange (a 200 after
    /// a 183, another fork) take the place of earlier ones.
    pub fn answer(
        &mut self,
        exchange: usize,
        at: Timestamp,
        description: Arc<SessionDescription>,
        baseline: impl FnOnce() -> Vec<(u64, u64)>,
    ) {
        let Some(epoch) = self
            .epochs
            .iter_mut()
            .find(|epoch| epoch.exchange == exchange)
        else {
            return;
        };
        if epoch.from.is_none() {
            epoch.from = Some(at);
            epoch.baseline = baseline();
        }
        epoch.answer = Some(description);
    }

    /// `exchange` failed: its offer changes nothing.
    pub fn refuse(&mut self, exchange: usize) {
        for epoch in &mut self.epochs {
            if epoch.exchange == exchange {
                epoch.refused = true;
            }
        }
    }

    /// The epoch of `exchange`.
    #[must_use]
    pub fn epoch_of(&self, exchange: usize) -> Option<&Epoch> {
        self.epochs.iter().find(|epoch| epoch.exchange == exchange)
    }

    /// Claims the addresses of a description; hands back those that are new.
    pub fn claim(
        &mut self,
        exchange: usize,
        side: Side,
        hash: u64,
        own: bool,
        description: &SessionDescription,
        limits: &Limits,
    ) -> Vec<Address> {
        if self.claimed.contains(&(exchange, side, hash)) {
            return Vec::new();
        }
        if self.claimed.len() < limits.addresses_per_call {
            self.claimed.push((exchange, side, hash));
        }
        let mut new = Vec::new();
        for (media, number) in description.media.iter().zip(0_u8..) {
            let mut add = |endpoint: Option<Endpoint>, role| {
                let Some(endpoint) = endpoint else { return };
                let address = Address {
                    endpoint,
                    side,
                    media: number,
                    own,
                    role,
                };
                new.extend(self.add_address(address, limits));
            };
            if media.is_udptl() {
                add(media.endpoint(), AddressRole::Udptl);
            } else if media.is_rtp() {
                add(media.endpoint(), AddressRole::Rtp);
                if !media.rtcp_mux || media.rtcp.is_some() {
                    add(media.rtcp_endpoint(), AddressRole::Rtcp);
                }
                for candidate in &media.candidates {
                    add(candidate.reached_at(), AddressRole::Candidate);
                }
            }
        }
        new
    }

    /// Hands an address back if it is new.
    fn add_address(&mut self, address: Address, limits: &Limits) -> Option<Address> {
        let room = self.addresses.len() < limits.addresses_per_call;
        let known = self.addresses.iter_mut().find(|known| {
            known.endpoint == address.endpoint
                && known.side == address.side
                && known.role == address.role
        });
        match known {
            Some(known) => {
                known.own |= address.own;
                None
            }
            None if room => {
                self.addresses.push(address);
                Some(address)
            }
            None => {
                self.passed.unless(false, Limit::AddressesPerCall);
                None
            }
        }
    }

    /// Whether any description names a session of MSRP.
    pub(super) fn has_msrp(&self) -> bool {
        self.descriptions()
            .flat_map(|own| &own.media)
            .any(|media| media.msrp_path.is_some())
    }

    /// Which version of T.38 was agreed for a medium, the lower one; 0 where nothing is said.
    pub(super) fn fax_version(&self, media: u8) -> u8 {
        let last = self.epochs.iter().rev().find_map(|epoch| {
            let of = |side| epoch.medium(side, usize::from(media))?.t38.as_deref();
            let versions =
                [of(Side::Caller), of(Side::Callee)].map(|own| own.map(|own| own.version));
            versions.into_iter().flatten().min()
        });
        last.unwrap_or_default()
    }

    /// All descriptions, as they were written or rewritten on the way.
    pub fn descriptions(&self) -> impl Iterator<Item = &SessionDescription> {
        self.bodies.iter().map(|(_, description)| &**description)
    }

    /// Whether a packet with this payload type fits what anybody described.
    #[must_use]
    pub fn knows_payload_type(&self, payload_type: u8) -> bool {
        self.bodies.iter().any(|(_, description)| {
            description
                .media
                .iter()
                .any(|media| media.payload_types.contains(&payload_type))
        })
    }

    /// What a payload type stands for in a stream toward `side`.
    #[must_use]
    pub fn codec(&self, side: Side, media: u8, payload_type: u8) -> Option<crate::sdp::RtpMap> {
        let of = |side| {
            self.epochs
                .iter()
                .rev()
                .filter_map(|epoch| epoch.medium(side, usize::from(media)))
                .filter(|media| media.payload_types.contains(&payload_type))
                .find_map(|media| media.codec(payload_type))
        };
        // The receiver's numbers count (RFC 3264, 5.1).
        of(side)
            .or_else(|| of(side.other()))
            .or_else(|| crate::sdp::RtpMap::of_static(payload_type))
    }

    /// Whether `side` was not to send medium `media` at any time between
    /// `from` and `until`.
    #[must_use]
    pub fn paused(&self, side: Side, media: u8, from: Timestamp, until: Timestamp) -> bool {
        let agreed: Vec<&Epoch> = self
            .epochs
            .iter()
            .filter(|epoch| epoch.is_agreed())
            .collect();
        agreed.iter().enumerate().any(|(number, epoch)| {
            let began = epoch.offered;
            let ended = agreed
                .get(number + 1)
                .and_then(|next| next.from)
                .unwrap_or(Timestamp::from_nanos(u64::MAX));
            began <= until && ended >= from && !epoch.may_send(side, usize::from(media))
        })
    }

    /// Octets held, about.
    pub(super) fn cost(&self) -> usize {
        let bodies: usize = self
            .bodies
            .iter()
            .map(|(_, description)| 200 + description.media.len() * 600)
            .sum();
        let trickled: usize = self.trickled.iter().map(Trickled::cost).sum();
        bodies
            + trickled
            + self.epochs.len() * size_of::<Epoch>()
            + self.addresses.len() * size_of::<Address>()
            + self.claimed.len() * 24
    }
}
