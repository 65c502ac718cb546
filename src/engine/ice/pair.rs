//! A pair of addresses, and the checks that each agent made on it.

use smallvec::SmallVec;

use super::sending::Heard;
use crate::net::{Endpoint, Flow};
use crate::packet::{CapturePoint, PacketRef};
use crate::time::{SECOND, Timestamp};

/// Places at which one pair is told apart.
const MAX_PLACES: usize = 16;
/// Kinds of errors that one pair is answered with.
const MAX_ERRORS: usize = 8;

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
    pub(super) places: SmallVec<[(CapturePoint, [Endpoint; 2]); 2]>,
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
    /// Capture points that they passed.
    pub capture_points: SmallVec<[CapturePoint; 2]>,
    /// What the agent sent on the pair since it was nominated, streams of RTP aside.
    pub heard: Option<Heard>,
}

impl IceChecks {
    /// Whether any check was made.
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

    /// Whether it is between these two, at any capture point.
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
    pub(super) fn seen_at(&mut self, place: (CapturePoint, [Endpoint; 2])) -> bool {
        let is_known = self.places.contains(&place);
        let room = self.places.len() < MAX_PLACES;
        if !is_known && room {
            self.places.push(place);
        }
        is_known || room
    }

    /// Takes what is known of another one, which is the same. Says whether there was room
    /// for all of it.
    pub(super) fn absorb(&mut self, other: Self) -> bool {
        if other.first.timestamp < self.first.timestamp {
            self.first = other.first;
        }
        self.nominated = match (self.nominated, other.nominated) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let mut room = true;
        for (own, other) in self.checks.iter_mut().zip(other.checks) {
            room &= own.absorb(other);
        }
        for place in other.places {
            room &= self.seen_at(place);
        }
        room
    }
}

impl IceChecks {
    pub(super) fn absorb(&mut self, other: Self) -> bool {
        // Who makes no checks is heard all the same.
        self.heard = match (self.heard, other.heard) {
            (Some(one), Some(other)) => Some(one.with(other)),
            (one, other) => one.or(other),
        };
        if !other.are_any() {
            return true;
        }
        if !self.are_any() {
            let heard = self.heard;
            *self = Self { heard, ..other };
            return true;
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
        self.succeeded_at = match (self.succeeded_at, other.succeeded_at) {
            (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
            (one, other) => one.or(other),
        };
        let mut room = true;
        for (code, count) in other.errors {
            room &= self.refused(code, count);
        }
        for point in other.capture_points {
            self.passed(point);
        }
        room
    }

    /// Checks were refused. Says whether there was room for the kind of error.
    pub(super) fn refused(&mut self, code: u16, count: u64) -> bool {
        let room = self.errors.len() < MAX_ERRORS;
        match self.errors.iter_mut().find(|(known, _)| *known == code) {
            Some((_, known)) => *known = known.saturating_add(count),
            None if room => self.errors.push((code, count)),
            None => return false,
        }
        true
    }

    pub(super) fn passed(&mut self, point: CapturePoint) {
        if !self.capture_points.contains(&point) && self.capture_points.len() < MAX_PLACES {
            self.capture_points.push(point);
        }
    }
}

impl IcePair {
    /// The way that an agent's packets go on it, where they were seen first.
    #[must_use]
    pub fn way(&self, agent: usize) -> Option<Flow> {
        let own = self.checks.get(agent)?.flow;
        let other = || Some(self.checks.get(1 - agent)?.flow?.reversed());
        own.or_else(other)
    }
}

impl IcePair {
    /// How long a check is waited for: agents send it again for about 2 seconds, those
    /// that follow RFC 8489 to the letter for 39.5.
    pub(super) const PATIENCE_NS: i64 = 5 * SECOND;

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

#[cfg(test)]
mod tests {
    use super::*;

    /// An agent that makes no checks is heard before and after two pairs are one.
    #[test]
    fn who_makes_no_checks_is_heard_on_a_merged_pair() {
        let at = |seconds: i64| Timestamp::default().offset(seconds * SECOND);
        let heard = |sent: u64, seconds: i64| IceChecks {
            sent,
            heard: Some(Heard::new(at(seconds))),
            ..IceChecks::default()
        };
        for (one, other) in [(0, 0), (0, 3), (3, 0), (3, 3)] {
            let mut checks = heard(one, 1);
            assert!(checks.absorb(heard(other, 9)));
            let both = checks.heard.expect("both");
            assert_eq!((both.first, both.last), (at(1), at(9)), "{one} {other}");
            assert_eq!(checks.sent, one + other);
        }
    }
}
