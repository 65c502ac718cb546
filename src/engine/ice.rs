//! ICE sessions: the connectivity checks of two agents, by the pairs of addresses
//! that they try (RFC 8445).
//!
//! A session is known by the user fragments of its agents, which each check names, so
//! that it is followed without its signalling too. Each check is seen at every capture
//! point that it passes; it counts where it was seen first, which is nearest to whoever
//! made it, and what it looks like elsewhere shows which checks of the other side try
//! the same pair.

use std::collections::VecDeque;

use smallvec::SmallVec;

use super::call::Call;
use super::limits::Limit;
use super::session::Side;
use super::table::{Entry, Handle};
use super::{Engine, Event};
use crate::link::TunnelKind;
use crate::net::{Endpoint, Flow};
use crate::octets;
use crate::packet::{CapturePoint, PacketRef};
use crate::sdp::{Candidate, SessionDescription};
use crate::stun::{Class, IceRole, StunMessage};
use crate::time::{SECOND, Timestamp};

/// Checks of one session that may still be answered, or be seen elsewhere.
const MAX_RECENT: usize = 256;
/// Pairs of one session: two agents with ten addresses each have a hundred.
const MAX_PAIRS: usize = 256;
/// Places at which one pair is told apart.
const MAX_PLACES: usize = 16;
/// Kinds of errors that one pair is answered with.
const MAX_ERRORS: usize = 8;
/// A session of no call is given up; consent is renewed every 5 seconds (RFC 7675).
const SILENT_NS: i64 = 60 * SECOND;
/// The longest user fragment (RFC 8839, 5.4).
const MAX_FRAGMENT: usize = 256;

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
    /// What a description says of it; `None` where none was captured.
    pub description: Option<IceDescription>,
}

/// What session descriptions say of an agent (RFC 8839, 5).
#[derive(Clone, Debug, Default)]
pub struct IceDescription {
    /// Its addresses.
    pub candidates: Vec<Candidate>,
    /// Whether it makes no checks itself.
    pub is_lite: bool,
    /// Whether it nominates once (RFC 8445, 10).
    pub has_ice2: bool,
    /// Whether it made the offer that named its user fragment first.
    pub has_offered: bool,
    /// Whether it is of WebRTC, which renews consent (RFC 7675, RFC 8835).
    pub is_webrtc: bool,
}

/// Two addresses that were tried.
#[derive(Clone, Debug)]
pub struct IcePair {
    /// Its first check.
    pub first: PacketRef,
    /// The checks of each agent.
    pub checks: [IceChecks; 2],
    /// When the first check that nominates it was answered well.
    pub nominated: Option<Timestamp>,
    /// What its ends look like, by capture point.
    places: SmallVec<[(CapturePoint, [Endpoint; 2]); 2]>,
}

/// The checks that one agent made on a pair.
#[derive(Clone, Debug, Default)]
pub struct IceChecks {
    /// From where to where, as it was seen first.
    pub flow: Option<Flow>,
    /// Checks.
    pub sent: u64,
    /// Copies that were sent again.
    pub retransmissions: u64,
    /// Checks that were answered well.
    pub succeeded: u64,
    /// Checks that were refused, by code.
    pub errors: SmallVec<[(u16, u64); 0]>,
    /// Checks whose answer came from elsewhere (RFC 8445, 7.2.5.2.1).
    pub not_symmetric: u64,
    /// From where, the last time.
    pub answered_from: Option<Endpoint>,
    /// Checks whose answer was captured, but not where the check was seen first.
    pub answers_lost: u64,
    /// Checks that an ICMP error came back for.
    pub unreachable: u64,
    /// Checks that the relay had no permission to pass on (RFC 8656, 9).
    pub not_permitted: u64,
    /// Whether they left through a TURN server.
    pub is_relayed: bool,
    /// What the peer saw as their source.
    pub mapped: Option<Endpoint>,
    /// What its end is worth as a peer-reflexive candidate.
    pub priority: Option<u32>,
    /// The first answer's time on the way and back, in nanoseconds.
    pub round_trip_ns: Option<i64>,
    /// When the last one was sent.
    pub last_sent: Option<Timestamp>,
    /// When one was answered well first, and last.
    pub succeeded_at: Option<(Timestamp, Timestamp)>,
    /// The longest time between two good answers since the pair was nominated, in
    /// nanoseconds.
    pub longest_gap_ns: i64,
    /// Capture points that they passed.
    pub capture_points: SmallVec<[CapturePoint; 2]>,
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

impl IceChecks {
    /// Octets of the answers' codes and so on are few; whether any check was made.
    #[must_use]
    pub const fn are_any(&self) -> bool {
        self.sent > 0
    }
}

impl IcePair {
    /// Whether a check went through and back.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.checks.iter().any(|own| own.succeeded > 0)
    }

    /// The ends as the agents know them: as the peer sees it, as the other side
    /// addresses it, or as it was captured.
    #[must_use]
    pub fn ends(&self) -> [Endpoint; 2] {
        let [one, other] = &self.checks;
        let end = |own: &IceChecks, other: &IceChecks| {
            let addressed = other.flow.map(|flow| flow.dst);
            let seen = own.flow.map(|flow| flow.src);
            own.mapped.or(addressed).or(seen)
        };
        let placed = self.places.first().map(|(_, ends)| *ends);
        let [first, second] = placed.unwrap_or_else(|| {
            let nowhere = Endpoint::new(std::net::Ipv4Addr::UNSPECIFIED.into(), 0);
            [nowhere; 2]
        });
        [
            end(one, other).unwrap_or(first),
            end(other, one).unwrap_or(second),
        ]
    }

    /// Whether an end of it is this one, at any capture point.
    #[must_use]
    pub fn is_between(&self, one: Endpoint, other: Endpoint) -> bool {
        let is = |ends: [Endpoint; 2]| ends == [one, other] || ends == [other, one];
        is(self.ends()) || self.places.iter().any(|(_, ends)| is(*ends))
    }

    /// Capture points that it was seen at.
    pub fn capture_points(&self) -> impl Iterator<Item = CapturePoint> + '_ {
        let own = self.checks.iter();
        own.flat_map(|own| own.capture_points.iter().copied())
    }

    /// Adds a place; says whether there was room.
    fn seen_at(&mut self, place: (CapturePoint, [Endpoint; 2])) -> bool {
        let is_known = self.places.contains(&place);
        let room = self.places.len() < MAX_PLACES;
        if !is_known && room {
            self.places.push(place);
        }
        is_known || room
    }

    /// Takes what is known of another one, which is the same.
    fn absorb(&mut self, other: Self) {
        if other.first.timestamp < self.first.timestamp {
            self.first = other.first;
        }
        self.nominated = match (self.nominated, other.nominated) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        for (own, other) in self.checks.iter_mut().zip(other.checks) {
            own.absorb(other);
        }
        for place in other.places {
            self.seen_at(place);
        }
    }
}

impl IceChecks {
    fn absorb(&mut self, other: Self) {
        if !other.are_any() {
            return;
        }
        if !self.are_any() {
            *self = other;
            return;
        }
        self.sent += other.sent;
        self.retransmissions += other.retransmissions;
        self.succeeded += other.succeeded;
        self.not_symmetric += other.not_symmetric;
        self.answered_from = self.answered_from.or(other.answered_from);
        self.answers_lost += other.answers_lost;
        self.unreachable += other.unreachable;
        self.not_permitted += other.not_permitted;
        self.mapped = self.mapped.or(other.mapped);
        self.round_trip_ns = self.round_trip_ns.or(other.round_trip_ns);
        self.last_sent = self.last_sent.max(other.last_sent);
        self.longest_gap_ns = self.longest_gap_ns.max(other.longest_gap_ns);
        self.succeeded_at = match (self.succeeded_at, other.succeeded_at) {
            (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
            (one, other) => one.or(other),
        };
        for (code, count) in other.errors {
            self.refused(code, count);
        }
        for point in other.capture_points {
            self.passed(point);
        }
    }

    fn refused(&mut self, code: u16, count: u64) {
        let room = self.errors.len() < MAX_ERRORS;
        match self.errors.iter_mut().find(|(known, _)| *known == code) {
            Some((_, known)) => *known = known.saturating_add(count),
            None if room => self.errors.push((code, count)),
            None => {}
        }
    }

    fn passed(&mut self, point: CapturePoint) {
        if !self.capture_points.contains(&point) && self.capture_points.len() < MAX_PLACES {
            self.capture_points.push(point);
        }
    }
}

impl IceSession {
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
        if let Some(kept) = self.pairs.get_mut(kept) {
            kept.absorb(absorbed);
            kept.seen_at(place);
        }
        for recent in &mut self.recent {
            if recent.pair == gone {
                recent.pair = kept;
            } else if recent.pair > gone {
                recent.pair -= 1;
            }
        }
        (true, true)
    }

    fn remember(&mut self, check: Recent) {
        if self.recent.len() >= MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(check);
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

impl IcePair {
    /// How long a check is waited for: agents send it again for about 2 seconds, those
    /// that follow RFC 8489 to the letter for 39.5.
    const PATIENCE_NS: i64 = 5 * SECOND;

    /// Whether a check may still be answered.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        let answers = |own: &IceChecks| {
            let refused: u64 = own.errors.iter().map(|(_, count)| count).sum();
            own.succeeded + refused + own.not_symmetric
        };
        let mut checks = self.checks.iter();
        checks.any(|own| {
            let waits = own.sent > answers(own);
            let last = own.last_sent.filter(|_| waits);
            last.is_some_and(|last| now.since(last) < Self::PATIENCE_NS)
        })
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

    /// What an end of a pair is to its agent: `host`, `srflx`, `prflx` or `relay`;
    /// `None` where no description was captured that would tell.
    #[must_use]
    pub fn kind(&self, end: Endpoint, checks: &IceChecks) -> Option<&str> {
        let is_known = self.description.is_some();
        let described = self.candidate(end).map(|own| own.kind.as_str());
        described
            .or(checks.is_relayed.then_some("relay"))
            .or(is_known.then_some("prflx"))
    }
}

impl Engine {
    /// A Binding request that may be a connectivity check (RFC 8445, 7.2.2). Hands back
    /// its session, and whether it is signed with the right password.
    pub(super) fn ice_check(
        &mut self,
        at: PacketRef,
        flow: Flow,
        message: &StunMessage<'_>,
    ) -> Option<(Handle, Option<bool>)> {
        let is_check = message.class == Class::Request
            && message.method == 1
            && message.realm().is_none()
            && (message.ice_role().is_some() || message.priority().is_some());
        let username = message.username().filter(|_| is_check)?;
        let colon = memchr::memchr(b':', username)?;
        let (receiver, sender) = (
            octets::span(username, 0, colon),
            octets::from(username, colon + 1),
        );
        let fits = |own: &[u8]| !own.is_empty() && own.len() <= MAX_FRAGMENT;
        if !fits(receiver) || !fits(sender) || receiver == sender {
            return None;
        }
        let (receiver, sender) = (octets::text(receiver), octets::text(sender));
        let handle = self.ice_session(at, &receiver, &sender)?;
        self.tie_ice(handle, &receiver, &sender);
        let integrity = self.ice_integrity(&receiver, message);
        let is_permitted = self.is_permitted(flow);
        let is_relayed = is_permitted.is_some();
        let room = self.ice_pairs < self.config.limits.ice_pairs;
        let session = self.ice.get_mut(handle)?;
        session.last = at.timestamp;
        let agent = session.agent(&sender)?;
        let ends = match agent {
            0 => [flow.src, flow.dst],
            _ => [flow.dst, flow.src],
        };
        let place = (at.capture_point, ends);
        let transaction = message.transaction_id;
        let mut recent = session.recent.iter().rev();
        let known = recent.find(|own| own.transaction == transaction && own.agent == agent);
        if let Some(known) = known.copied() {
            let (had_room, merged) = session.place(known.pair, place);
            let recent = session.recent.iter_mut().rev();
            let recent = { recent }.find(|own| own.transaction == transaction)?;
            let checks = session.pairs.get_mut(recent.pair)?.checks.get_mut(agent)?;
            if is_permitted == Some(true) && recent.is_held {
                recent.is_held = false;
                checks.not_permitted -= 1;
            }
            checks.passed(at.capture_point);
            if known.point == at.capture_point && known.flow == flow {
                checks.retransmissions += 1;
                checks.last_sent = Some(at.timestamp);
            }
            self.ice_pairs -= usize::from(merged);
            if !had_room {
                self.limit(Limit::IcePairs);
            }
            return Some((handle, integrity));
        }
        if let Some(agent) = session.agents.get_mut(agent) {
            agent.took(message.ice_role());
            agent.signed(integrity);
        }
        let pair = match session.pair_at(place) {
            Some(pair) => pair,
            None if session.pairs.len() < MAX_PAIRS && room => {
                session.pairs.push(IcePair {
                    first: at,
                    checks: Default::default(),
                    nominated: None,
                    places: SmallVec::from_buf_and_len([place; 2], 1),
                });
                self.ice_pairs += 1;
                session.pairs.len() - 1
            }
            None => {
                self.limit(Limit::IcePairs);
                return Some((handle, integrity));
            }
        };
        session.remember(Recent {
            transaction,
            agent,
            pair,
            point: at.capture_point,
            flow,
            sent: at.timestamp,
            nominates: message.use_candidate(),
            is_answered: false,
            is_lost: false,
            is_held: is_permitted == Some(false),
        });
        let checks = session.pairs.get_mut(pair)?.checks.get_mut(agent)?;
        checks.flow.get_or_insert(flow);
        checks.sent += 1;
        checks.last_sent = Some(at.timestamp);
        checks.is_relayed |= is_relayed;
        checks.not_permitted += u64::from(is_permitted == Some(false));
        checks.priority = message.priority().or(checks.priority);
        checks.passed(at.capture_point);
        Some((handle, integrity))
    }

    /// What answers a check of a session; `flow` goes as the check should have gone.
    pub(super) fn ice_answer(
        &mut self,
        handle: Handle,
        at: PacketRef,
        flow: Flow,
        message: &StunMessage<'_>,
    ) {
        let receiver = |session: &IceSession| {
            let check = session.recent.iter().rev();
            let check = { check }.find(|own| own.transaction == message.transaction_id)?;
            Some(session.agents.get(1 - check.agent)?.ufrag.clone())
        };
        let receiver = self.ice.get(handle).and_then(receiver);
        let integrity = receiver.and_then(|own| self.ice_integrity(&own, message));
        let Some(session) = self.ice.get_mut(handle) else {
            return;
        };
        let recent = session.recent.iter_mut().rev();
        let Some(check) = { recent }.find(|own| own.transaction == message.transaction_id) else {
            return;
        };
        session.last = at.timestamp;
        let Some(pair) = session.pairs.get_mut(check.pair) else {
            return;
        };
        let Some(checks) = pair.checks.get_mut(check.agent) else {
            return;
        };
        if check.is_answered {
            return;
        }
        if check.point != at.capture_point || check.flow.src != flow.src {
            // On its way back; whether it arrives shows where the check was seen first.
            if !check.is_lost {
                check.is_lost = true;
                checks.answers_lost += 1;
            }
            return;
        }
        check.is_answered = true;
        checks.answers_lost -= u64::from(check.is_lost);
        if message.class == Class::ErrorResponse {
            let code = message.error_code().unwrap_or_default();
            checks.refused(code, 1);
            session.role_conflicts += u64::from(code == 487);
        } else if flow.dst != check.flow.dst {
            checks.not_symmetric += 1;
            checks.answered_from = Some(flow.dst);
        } else {
            checks.succeeded += 1;
            checks.mapped = message.mapped_address().or(checks.mapped);
            let spent = at.timestamp.since(check.sent);
            if spent >= 0 {
                checks.round_trip_ns.get_or_insert(spent);
            }
            if check.nominates {
                pair.nominated.get_or_insert(at.timestamp);
            }
            let before = checks.succeeded_at.map(|(_, last)| last);
            if let (Some(nominated), Some(before)) = (pair.nominated, before) {
                let gap = at.timestamp.since(before.max(nominated));
                checks.longest_gap_ns = checks.longest_gap_ns.max(gap);
            }
            let first = checks.succeeded_at.map_or(at.timestamp, |(first, _)| first);
            checks.succeeded_at = Some((first, at.timestamp));
        }
        let answering = session.agents.get_mut(1 - check.agent);
        if let Some(answering) = answering.filter(|_| message.class == Class::SuccessResponse) {
            answering.signed(integrity);
        }
    }

    /// An ICMP error that quotes a check. Says whether it does.
    pub(super) fn ice_unreachable(&mut self, handle: Handle, transaction: &[u8; 16]) -> bool {
        let Some(session) = self.ice.get_mut(handle) else {
            return false;
        };
        let recent = session.recent.iter().rev();
        let check = { recent }.find(|own| own.transaction == *transaction);
        let checks = check.and_then(|check| {
            let pair = session.pairs.get_mut(check.pair)?;
            pair.checks.get_mut(check.agent)
        });
        if let Some(checks) = checks {
            checks.unreachable += 1;
        }
        true
    }

    /// An ICMP error that quotes the addresses of a check alone: one of the call that
    /// claims where it went. Says whether there is one that waits.
    pub(super) fn ice_pair_unreachable(&mut self, flow: Flow) -> bool {
        let call = self.media.claimant(flow.dst);
        let Some(call) = call.and_then(|call| self.calls.get(call)) else {
            return false;
        };
        for handle in &call.ice {
            let Some(session) = self.ice.get_mut(*handle) else {
                continue;
            };
            let recent = session.recent.iter().rev();
            let check = { recent }.find(|own| own.flow == flow && !own.is_answered);
            let checks = check.and_then(|check| {
                let pair = session.pairs.get_mut(check.pair)?;
                pair.checks.get_mut(check.agent)
            });
            if let Some(checks) = checks {
                checks.unreachable += 1;
                return true;
            }
        }
        false
    }

    /// The session of two user fragments, which begins with its first check.
    fn ice_session(&mut self, at: PacketRef, receiver: &str, sender: &str) -> Option<Handle> {
        let (low, high) = (receiver.min(sender), receiver.max(sender));
        let key: Box<str> = format!("{low}:{high}").into();
        if let Some(handle) = self.ice.find(&key) {
            return Some(handle);
        }
        let agent = |ufrag: &str| IceAgent {
            ufrag: ufrag.to_owned(),
            ..IceAgent::default()
        };
        let session = IceSession {
            serial: self.next_ice,
            first: at,
            last: at.timestamp,
            agents: [agent(sender), agent(receiver)],
            pairs: Vec::new(),
            role_conflicts: 0,
            call_id: None,
            media: None,
            is_answered: false,
            call: None,
            recent: VecDeque::new(),
        };
        self.next_ice += 1;
        let (handle, evicted) = self.ice.insert(key, session);
        if let Some(mut evicted) = evicted {
            self.limit(Limit::IceSessions);
            self.ice_pairs -= evicted.pairs.len();
            evicted.orient();
            self.events.push_back(Event::Ice(Box::new(evicted)));
        }
        Some(handle)
    }

    /// The call that described one of the agents.
    fn tie_ice(&mut self, handle: Handle, receiver: &str, sender: &str) {
        let claims = [receiver, sender].map(|own| (own, self.media.ufrag(own)));
        let max = self.config.limits.ice_sessions_per_call;
        let Some(session) = self.ice.get_mut(handle) else {
            return;
        };
        for (ufrag, claim) in claims {
            let Some((call, side, media)) = claim else {
                continue;
            };
            if let Some(agent) = session.agent(ufrag)
                && let Some(agent) = session.agents.get_mut(agent)
            {
                agent.side = Some(side);
            }
            if session.call.is_some() {
                continue;
            }
            let Some(known) = self.calls.get_mut(call) else {
                continue;
            };
            if known.ice.len() >= max {
                self.limit(Limit::IceSessionsPerCall);
                return;
            }
            known.ice.push(handle);
            session.call = Some(call);
            session.call_id = Some(known.call_id.clone());
            session.media = Some(media);
        }
    }

    /// Whether a message is signed with the password of whoever has this fragment.
    fn ice_integrity(&self, ufrag: &str, message: &StunMessage<'_>) -> Option<bool> {
        message.integrity_ok(self.media.ice_password(ufrag)?)
    }

    /// Whether a relay may pass on what goes through it; `None` of what goes through
    /// none.
    fn is_permitted(&self, flow: Flow) -> Option<bool> {
        let is_inside = self.tunnel.is_some_and(|own| own.kind == TunnelKind::Turn);
        let handle = self.relay.filter(|_| is_inside)?;
        let allocation = self.turn_allocations.get(handle)?;
        let is_sent = allocation.relayed == Some(flow.src);
        is_sent.then(|| allocation.permits(flow.dst.ip))
    }

    pub(super) fn close_ice(&mut self, handle: Handle) {
        if let Some(mut session) = self.ice.remove(handle) {
            self.ice_pairs -= session.pairs.len();
            session.orient();
            self.events.push_back(Event::Ice(Box::new(session)));
        }
    }

    /// The sessions of a call that closes, with what it says of their agents.
    pub(super) fn ice_of(&mut self, call: &Call) -> Vec<IceSession> {
        let mut sessions = Vec::new();
        for handle in &call.ice {
            let Some(mut session) = self.ice.remove(*handle) else {
                continue;
            };
            self.ice_pairs -= session.pairs.len();
            for agent in &mut session.agents {
                agent.description = describe(call, &agent.ufrag);
            }
            let media = session.media.map_or(0, usize::from);
            session.is_answered = (call.session.epochs.iter()).any(|epoch| {
                let named = |side| Some(epoch.medium(side, media)?.ice_ufrag.is_some());
                named(Side::Caller) == Some(true) && named(Side::Callee) == Some(true)
            });
            session.orient();
            sessions.push(session);
        }
        sessions.sort_by_key(|session| session.serial);
        sessions
    }
}

/// What the descriptions of a call say of whoever has a user fragment.
fn describe(call: &Call, ufrag: &str) -> Option<IceDescription> {
    let mut found: Option<IceDescription> = None;
    let is_its = |own: &&crate::sdp::MediaDescription| own.ice_ufrag.as_deref() == Some(ufrag);
    for media in (call.session.descriptions()).flat_map(|own| own.media.iter().filter(is_its)) {
        let description = found.get_or_insert_default();
        description.is_lite |= media.is_ice_lite;
        description.has_ice2 |= media.has_ice2;
        description.is_webrtc |= media.protocol.contains("SAVPF") && media.fingerprint.is_some();
        for candidate in &media.candidates {
            if !description.candidates.contains(candidate) {
                description.candidates.push(candidate.clone());
            }
        }
    }
    let names = |own: &SessionDescription| own.media.iter().any(|own| is_its(&own));
    let first = call.session.epochs.iter().find(|epoch| {
        names(&epoch.offer) || epoch.answer.as_ref().is_some_and(|answer| names(answer))
    });
    if let Some((found, first)) = found.as_mut().zip(first) {
        found.has_offered = names(&first.offer);
    }
    found
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
