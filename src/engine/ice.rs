//! ICE sessions: the connectivity checks of two agents, by the pairs of addresses
//! that they try (RFC 8445).
//!
//! A session is known by the user fragments of its agents, which each check names, so
//! that it is followed without its signalling too. Each check is seen at every capture
//! point that it passes; it counts where it was seen first, which is nearest to whoever
//! made it, and what it looks like elsewhere shows which checks of the other side try
//! the same pair.

mod checks;
mod pair;
mod sending;

use std::collections::VecDeque;
use std::net::IpAddr;

use smallvec::SmallVec;

pub use self::pair::{IceChecks, IcePair};
pub use self::sending::{Heard, Pace};
use super::session::Side;
use super::table::{Entry, Handle};
use crate::net::{Endpoint, Flow, Transport};
use crate::packet::{CapturePoint, PacketRef};
use crate::sdp::Candidate;
use crate::stun::IceRole;
use crate::time::{SECOND, Timestamp};

/// Checks of one session that may still be answered, or be seen elsewhere.
const MAX_RECENT: usize = 256;
/// Octets that each check costs that may still be answered: what holds them grows by
/// doubling.
pub(super) const CHECK_COST: usize = 2 * size_of::<Recent>();
/// A session of no call is given up; consent is renewed every 5 seconds (RFC 7675).
const SILENT_NS: i64 = 60 * SECOND;
/// Two agents that look for a way to each other. Pairs of values stand in the order of
/// the agents.
#[derive(Clone, Debug)]
pub struct IceSession {
    /// Unique in the run, in the order of first checks.
    pub serial: u64,
    /// Its first check.
    pub first: PacketRef,
    /// Its last check or answer.
    pub last: Timestamp,
    /// The caller and the callee where a call is known, else first whoever was seen
    /// first.
    pub agents: [IceAgent; 2],
    /// In the order of their first checks.
    pub pairs: Vec<IcePair>,
    /// Checks that were refused since both sides wanted the same role (RFC 8445,
    /// 7.3.1.1).
    pub role_conflicts: u64,
    /// The call that it belongs to.
    pub call_id: Option<String>,
    /// Which medium of the call; the first of those that share it.
    pub media: Option<u8>,
    /// Whether both sides of the call described themselves for ICE.
    pub is_answered: bool,
    call: Option<Handle>,
    recent: VecDeque<Recent>,
}

/// One side of a session.
#[derive(Clone, Debug, Default)]
pub struct IceAgent {
    /// Its user fragment.
    pub ufrag: String,
    /// Which side of the call it is.
    pub side: Option<Side>,
    /// The role that it took last.
    pub role: Option<IceRole>,
    /// How often it changed its role.
    pub role_changes: u64,
    /// Messages that are signed with the right password, which the description of
    /// whoever is asked names.
    pub integrity_good: u64,
    /// Messages that are not.
    pub integrity_bad: u64,
    /// How close together it began its checks.
    pub pace: Pace,
    /// What a description says of it; `None` where none was captured.
    pub description: Option<IceDescription>,
}

/// What session descriptions say of an agent (RFC 8839, 5).
#[derive(Clone, Debug, Default)]
pub struct IceDescription {
    /// Its addresses.
    pub candidates: Vec<Candidate>,
    /// How many of them came after the description (RFC 8840).
    pub trickled: usize,
    /// When the last of those came.
    pub trickled_at: Option<Timestamp>,
    /// Whether more may follow (RFC 8840, 4.1).
    pub has_trickle: bool,
    /// Whether it said that there are no more.
    pub has_all_candidates: bool,
    /// Whether it makes no checks itself.
    pub is_lite: bool,
    /// Whether it nominates once (RFC 8445, 10).
    pub has_ice2: bool,
    /// Whether it made the offer that named its user fragment first.
    pub has_offered: bool,
    /// Whether it is of WebRTC, which renews consent (RFC 7675, RFC 8835).
    pub is_webrtc: bool,
}

/// A check that may still be answered.
#[derive(Clone, Copy, Debug)]
struct Recent {
    transaction: [u8; 16],
    agent: usize,
    pair: usize,
    point: CapturePoint,
    flow: Flow,
    sent: Timestamp,
    nominates: bool,
    is_answered: bool,
    /// Whether the answer was seen on its way back alone.
    is_lost: bool,
    /// Whether the relay had no permission to pass it on.
    is_held: bool,
}

impl Entry for IceSession {
    fn last_seen(&self) -> Timestamp {
        self.last
    }

    fn rank(&self) -> u8 {
        u8::from(self.call.is_some())
    }
}

impl IceSession {
    /// A packet that is no RTP, on whichever pair it passes.
    fn hears(&mut self, at: Timestamp, flow: Flow) {
        for pair in self.pairs.iter_mut().filter(|own| own.nominated.is_some()) {
            let agent = (0..2).find(|agent| pair.way(*agent) == Some(flow));
            if let Some(checks) = agent.and_then(|agent| pair.checks.get_mut(agent)) {
                match &mut checks.heard {
                    Some(heard) => heard.again(at),
                    None => checks.heard = Some(Heard::new(at)),
                }
            }
        }
    }

    /// The selected pair of each component: of those that were nominated the one that
    /// both sides like best (RFC 8445, 8.1.1), or that was checked last.
    #[must_use]
    pub fn selected(&self) -> SmallVec<[usize; 2]> {
        let mut selected = SmallVec::<[(Option<u8>, usize); 2]>::new();
        let worth = |pair: &IcePair| {
            let last = |own: &IceChecks| own.succeeded_at.map(|(_, last)| last);
            let [one, other] = &pair.checks;
            (self.priority(pair), last(one).max(last(other)))
        };
        for (place, pair) in self.pairs.iter().enumerate() {
            if pair.nominated.is_none() {
                continue;
            }
            let component = self.component(pair);
            let known = selected.iter_mut().find(|(known, _)| *known == component);
            match known {
                Some((_, known)) => {
                    let is_better =
                        (self.pairs.get(*known)).is_none_or(|known| worth(pair) > worth(known));
                    if is_better {
                        *known = place;
                    }
                }
                None => selected.push((component, place)),
            }
        }
        selected.into_iter().map(|(_, place)| place).collect()
    }

    /// The component that a pair is for, by the candidates of its ends; 1 is RTP.
    #[must_use]
    pub fn component(&self, pair: &IcePair) -> Option<u8> {
        let ends = pair.ends();
        let mut agents = self.agents.iter().zip(ends).zip(&pair.checks);
        agents.find_map(|((agent, end), checks)| {
            let base = checks.flow.map(|flow| flow.src);
            let known = agent.candidate(end);
            let known = known.or_else(|| agent.candidate(base?));
            Some(known?.component_id)
        })
    }

    /// What both sides make of a pair (RFC 8445, 6.1.2.3); `None` where an end is no
    /// described candidate, or nobody said who decides.
    #[must_use]
    pub fn priority(&self, pair: &IcePair) -> Option<u64> {
        let [one, other] = pair.ends();
        let of = |number: usize, end| {
            let agent = self.agents.get(number)?;
            let learned = || pair.checks.get(number)?.priority;
            let known = agent.candidate(end).map(|known| known.priority);
            known.or_else(learned).map(u64::from)
        };
        let (one, other) = (of(0, one)?, of(1, other)?);
        let [first, _] = &self.agents;
        let (deciding, following) = match first.role? {
            IceRole::Controlling => (one, other),
            IceRole::Controlled => (other, one),
        };
        // The RFC's priorities have 31 bits; those of strangers may have 32.
        let sum = (deciding.min(following) << 32).saturating_add(2 * deciding.max(following));
        Some(sum.saturating_add(u64::from(deciding > following)))
    }

    /// Whether every pair was tried in vain, and nothing is to come.
    #[must_use]
    pub fn is_failed(&self, now: Timestamp) -> bool {
        let mut pairs = self.pairs.iter();
        pairs.all(|pair| !pair.is_valid() && !pair.is_open(now))
    }

    /// Whether both sides were heard. Where one direction is captured alone, answers are
    /// missing for that reason.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        let goes = |agent: usize| {
            let mut checks = self.pairs.iter().filter_map(|own| own.checks.get(agent));
            checks.any(IceChecks::are_any)
        };
        let is_answered = self.pairs.iter().any(|pair| {
            let mut checks = pair.checks.iter();
            checks.any(|own| !own.errors.is_empty() || own.not_symmetric > 0)
        });
        is_answered || (goes(0) && goes(1))
    }

    /// `completed`: each component that was tried has a selected pair. `connected`:
    /// packets pass, but not each has. `failed`, or still `checking`. `unanswered`: one
    /// side alone was heard, which says nothing of the other.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        if self.settled().is_some() {
            "completed"
        } else if self.pairs.iter().any(IcePair::is_valid) {
            "connected"
        } else if self.is_failed(now) {
            if self.is_heard() {
                "failed"
            } else {
                "unanswered"
            }
        } else {
            "checking"
        }
    }

    /// When the last of the components that were tried got a pair; `None` where one of
    /// them has none.
    #[must_use]
    pub fn settled(&self) -> Option<Timestamp> {
        let mut firsts = SmallVec::<[(Option<u8>, Option<Timestamp>); 2]>::new();
        for pair in &self.pairs {
            let component = self.component(pair);
            match firsts.iter_mut().find(|(known, _)| *known == component) {
                Some((_, first)) => {
                    let both = first.zip(pair.nominated).map(|(one, other)| one.min(other));
                    *first = both.or(*first).or(pair.nominated);
                }
                None => firsts.push((component, pair.nominated)),
            }
        }
        let last = firsts.iter().filter_map(|(_, first)| *first).max();
        last.filter(|_| firsts.iter().all(|(_, first)| first.is_some()))
    }

    /// 1, and one more for each restart before it among the sessions of its call (RFC
    /// 8445, 9): one that has new fragments on both sides. Those of a forked call share
    /// the fragment of whoever called.
    #[must_use]
    pub fn generation(&self, sessions: &[Self]) -> u32 {
        let [own, _] = &self.agents;
        let mut before: Vec<&str> = (sessions.iter())
            .filter(|other| other.serial < self.serial && other.media == self.media)
            .map(|other| other.agents[0].ufrag.as_str())
            .filter(|ufrag| *ufrag != own.ufrag)
            .collect();
        before.sort_unstable();
        before.dedup();
        u32::try_from(before.len()).map_or(u32::MAX, |count| count.saturating_add(1))
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.call.is_none() && now.since(self.last) > SILENT_NS
    }

    /// The agent with this user fragment.
    fn agent(&self, ufrag: &str) -> Option<usize> {
        self.agents.iter().position(|own| own.ufrag == ufrag)
    }

    fn pair_at(&self, place: (CapturePoint, [Endpoint; 2])) -> Option<usize> {
        self.pairs
            .iter()
            .position(|own| own.places.contains(&place))
    }

    /// A pair was seen at a place; if another one was seen there, they are one. Says
    /// whether there was room, and whether two became one.
    fn place(&mut self, pair: usize, place: (CapturePoint, [Endpoint; 2])) -> (bool, bool) {
        let other = self.pair_at(place).filter(|other| *other != pair);
        let Some(other) = other else {
            let known = self.pairs.get_mut(pair);
            return (known.is_some_and(|pair| pair.seen_at(place)), false);
        };
        let (kept, gone) = (pair.min(other), pair.max(other));
        let absorbed = self.pairs.remove(gone);
        let mut room = true;
        if let Some(kept) = self.pairs.get_mut(kept) {
            room &= kept.absorb(absorbed);
            room &= kept.seen_at(place);
        }
        for recent in &mut self.recent {
            if recent.pair == gone {
                recent.pair = kept;
            } else if recent.pair > gone {
                recent.pair -= 1;
            }
        }
        (room, true)
    }

    /// Remembers a check. Says whether one more is held now, and whether one that may
    /// still be answered was forgotten for it.
    fn remember(&mut self, check: Recent, room: bool) -> (bool, bool) {
        let is_full = self.recent.len() >= MAX_RECENT || !room;
        let oldest = is_full.then(|| self.recent.pop_front()).flatten();
        let now = check.sent;
        self.recent.push_back(check);
        let waits = |own: Recent| !own.is_answered && now.since(own.sent) < IcePair::PATIENCE_NS;
        (oldest.is_none(), oldest.is_some_and(waits))
    }

    /// The caller first.
    fn orient(&mut self) {
        let [first, second] = &mut self.agents;
        let other = |own: Option<Side>| own.map(Side::other);
        first.side = first.side.or(other(second.side));
        second.side = second.side.or(other(first.side));
        if first.side == Some(Side::Callee) {
            self.agents.swap(0, 1);
            for pair in &mut self.pairs {
                pair.checks.swap(0, 1);
                for (_, ends) in &mut pair.places {
                    ends.swap(0, 1);
                }
            }
        }
    }
}

impl IceDescription {
    /// Whether it has an address of a relay, or may have told one where nothing was
    /// captured.
    #[must_use]
    pub fn may_relay(&self) -> bool {
        let is_open = self.has_trickle && !self.has_all_candidates;
        is_open || self.candidates.iter().any(|own| own.kind == "relay")
    }
}

impl IceAgent {
    /// The candidate that it described with this address.
    #[must_use]
    pub fn candidate(&self, end: Endpoint) -> Option<&Candidate> {
        let description = self.description.as_ref()?;
        let mut candidates = description.candidates.iter();
        candidates.find(|own| own.endpoint == Some(end))
    }

    /// The candidate that opens connections from an address.
    fn opens(&self, ip: IpAddr) -> Option<&Candidate> {
        let mut candidates = self.description.as_ref()?.candidates.iter();
        candidates.find(|own| own.is_active() && own.endpoint.is_some_and(|own| own.ip == ip))
    }

    /// What an end of a pair is to its agent: `host`, `srflx`, `prflx` or `relay`;
    /// `None` where no description was captured that would tell.
    #[must_use]
    pub fn kind(&self, end: Endpoint, checks: &IceChecks) -> Option<&str> {
        let is_known = self.description.is_some();
        let is_stream = (checks.flow).is_some_and(|flow| flow.transport != Transport::Udp);
        let described = match self.candidate(end) {
            None if is_stream => self.opens(end.ip),
            described => described,
        };
        let described = described.map(|own| own.kind.as_str());
        described
            .or(checks.is_relayed.then_some("relay"))
            .or(is_known.then_some("prflx"))
    }
}

impl IceAgent {
    fn took(&mut self, role: Option<IceRole>) {
        let Some(role) = role else { return };
        if self.role.is_some_and(|before| before != role) {
            self.role_changes += 1;
        }
        self.role = Some(role);
    }

    fn signed(&mut self, integrity: Option<bool>) {
        match integrity {
            Some(true) => self.integrity_good += 1,
            Some(false) => self.integrity_bad += 1,
            None => {}
        }
    }
}

/// Why no check of a pair came to anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceFailure {
    /// Whoever was asked refused, with this code.
    Refused(u16),
    /// The answer came from an address that was not asked (RFC 8445, 7.2.5.2.1).
    NotSymmetric,
    /// The relay had no permission to pass the check on.
    NotPermitted,
    /// An ICMP error came back.
    Unreachable,
    /// It was answered, but the answer did not come back.
    AnswerLost,
    /// Nothing came back.
    NoAnswer,
}

impl IceFailure {
    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::NotSymmetric => "not-symmetric",
            Self::NotPermitted => "not-permitted",
            Self::Unreachable => "unreachable",
            Self::AnswerLost => "answer-lost",
            Self::NoAnswer => "no-answer",
        }
    }
}

impl IceChecks {
    /// Why none of these came to anything; `None` where one did, or none was made.
    #[must_use]
    pub fn failure(&self) -> Option<IceFailure> {
        if !self.are_any() || self.succeeded > 0 {
            return None;
        }
        Some(match self.errors.last() {
            Some((code, _)) => IceFailure::Refused(*code),
            None if self.not_symmetric > 0 => IceFailure::NotSymmetric,
            None if self.not_permitted > 0 => IceFailure::NotPermitted,
            None if self.unreachable > 0 => IceFailure::Unreachable,
            None if self.answers_lost > 0 => IceFailure::AnswerLost,
            None => IceFailure::NoAnswer,
        })
    }
}

impl IcePair {
    /// `succeeded`, `failed`, or still `in-progress` (RFC 8445, 6.1.2.6).
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        if self.is_valid() {
            "succeeded"
        } else if self.is_open(now) {
            "in-progress"
        } else {
            "failed"
        }
    }

    /// Which agent's checks came to nothing, and why, where no check of the pair came
    /// to anything.
    #[must_use]
    pub fn failure(&self, now: Timestamp) -> Option<(usize, IceFailure)> {
        if self.is_valid() || self.is_open(now) {
            return None;
        }
        let mut checks = self.checks.iter().enumerate();
        checks.find_map(|(agent, own)| Some((agent, own.failure()?)))
    }
}
