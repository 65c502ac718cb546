//! What an agent sends: how close together its checks, and what else on a pair.

use crate::packet::PacketRef;
use crate::time::Timestamp;

/// How close together an agent begins its checks (RFC 8445, 14.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// When the last ones began, the oldest first.
    recent: [Timestamp; Self::BURST - 1],
    /// How many of them there were.
    count: usize,
    /// The shortest time in which [`Self::BURST`] of them began, and the last of those.
    pub shortest: Option<(i64, PacketRef)>,
}

impl Pace {
    /// So many checks one after the other are looked at.
    pub const BURST: usize = 5;

    pub(super) fn began(&mut self, at: PacketRef) {
        let [oldest, ..] = self.recent;
        let spent = at.timestamp.since(oldest);
        let is_full = self.count == self.recent.len();
        if is_full && self.shortest.is_none_or(|(known, _)| spent < known) {
            self.shortest = Some((spent, at));
        }
        self.recent.rotate_left(1);
        if let Some(last) = self.recent.last_mut() {
            *last = at.timestamp;
        }
        self.count = self.recent.len().min(self.count + 1);
    }
}

/// What an agent sends on a pair, as far as it is no stream of RTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its first packet.
    pub first: Timestamp,
    /// Its last packet.
    pub last: Timestamp,
    /// The longest time without one: from when until when.
    pub pause: (Timestamp, Timestamp),
}

impl Heard {
    pub(super) const fn new(at: Timestamp) -> Self {
        Self {
            first: at,
            last: at,
            pause: (at, at),
        }
    }

    pub(super) fn again(&mut self, at: Timestamp) {
        let (from, until) = self.pause;
        if at.since(self.last) > until.since(from) {
            self.pause = (self.last, at);
        }
        self.last = self.last.max(at);
    }

    /// Both together: of what one alone leaves open nothing is known.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            ..Self::new(self.first)
        }
    }
}
