//! How regularly something is sent again.

use crate::time::{SECOND, Timestamp};

/// The times between copies of one message from one sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    last: Option<Timestamp>,
    intervals: u32,
    shortest: i64,
    longest: i64,
}

/// Copies before anything is said of their pace.
const ENOUGH: u32 = 4;
/// Waits of 4 s (T2; RFC 3261, 17.1.2.1) are as long as they may grow.
const LONG_NS: i64 = 3 * SECOND;

impl Pace {
    /// It was sent, or sent again.
    pub(super) fn sent(&mut self, at: Timestamp) {
        if let Some(last) = self.last {
            let interval = at.since(last).max(0);
            self.shortest = match self.intervals {
                0 => interval,
                _ => self.shortest.min(interval),
            };
            self.longest = self.longest.max(interval);
            self.intervals = self.intervals.saturating_add(1);
        }
        self.last = Some(at);
    }

    /// The interval in nanoseconds that the sender keeps to, where it should
    /// have doubled. Copies that the capture lacks make intervals longer, and
    /// so hide it at worst.
    #[must_use]
    pub fn steady_ns(&self) -> Option<i64> {
        let is_steady = self.longest < self.shortest.saturating_mul(3) / 2;
        (self.intervals >= ENOUGH && is_steady && self.longest < LONG_NS).then_some(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MILLISECOND;

    #[test]
    fn a_pace_that_does_not_double_is_steady() {
        let check = |times: &[u64], expected: Option<i64>| {
            let mut pace = Pace::default();
            for ms in times {
                pace.sent(Timestamp::from_nanos(ms * 1_000_000));
            }
            let expected = expected.map(|ms| ms * MILLISECOND);
            assert_eq!(pace.steady_ns(), expected, "{times:?}");
        };
        check(&[0, 500, 1000, 1500, 2000], Some(500));
        check(&[0, 500, 1000, 1500], None);
        check(&[0, 500, 1500, 3500, 7500], None);
        // The first copies are lost: what is left is T2.
        check(&[0, 4000, 8000, 12_000, 16_000], None);
        check(&[0, 500, 1000, 1500, 2249], Some(749));
        check(&[0, 500, 1000, 1500, 2250], None);
    }
}
