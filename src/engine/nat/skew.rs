//! Clocks of capture points, held against each other by packets that passed both.

use std::collections::BTreeMap;

use super::twins::Pair;
use crate::packet::CapturePoint;

/// How far one clock is ahead of another, by packets both ways: what is the same
/// in both directions is the way, what is not is the clock.
#[derive(Clone, Copy, Debug, Default)]
struct Skew {
    /// The least time by these clocks from inside to outside.
    out_ns: Option<i64>,
    /// The least time from outside to inside.
    back_ns: Option<i64>,
}

impl Skew {
    /// How far the outside clock is ahead. With one direction alone the way counts
    /// as none.
    fn ahead_ns(self) -> i64 {
        match (self.out_ns, self.back_ns) {
            (Some(out), Some(back)) => out.saturating_sub(back) / 2,
            (Some(out), None) => out,
            (None, Some(back)) => back.saturating_neg(),
            (None, None) => 0,
        }
    }
}

/// What is known of the clocks.
#[derive(Debug, Default)]
pub(super) struct Clocks(BTreeMap<(CapturePoint, CapturePoint), Skew>);

/// Pairs of capture points.
const MAX_PAIRS: usize = 64;

impl Clocks {
    /// A packet passed two capture points.
    pub(super) fn pair(&mut self, pair: &Pair) {
        let key = (pair.inside.at.capture_point, pair.outside.at.capture_point);
        if key.0 == key.1 || (self.0.len() >= MAX_PAIRS && !self.0.contains_key(&key)) {
            return;
        }
        let apart = pair.outside.at.timestamp.since(pair.inside.at.timestamp);
        let skew = self.0.entry(key).or_default();
        let (known, took) = if pair.is_outbound {
            (&mut skew.out_ns, apart)
        } else {
            (&mut skew.back_ns, apart.saturating_neg())
        };
        *known = Some(known.map_or(took, |known| known.min(took)));
    }

    /// How far each clock is ahead of the innermost one that it was held
    /// against, in nanoseconds.
    pub(super) fn ahead(&self) -> BTreeMap<CapturePoint, i64> {
        let mut ahead: BTreeMap<CapturePoint, i64> = BTreeMap::new();
        let is_outside = |point: CapturePoint| self.0.keys().any(|(_, outside)| *outside == point);
        // From inside outward, a NAT at a time.
        for _ in 0..4 {
            for ((inside, outside), skew) in &self.0 {
                let base = ahead.get(inside).copied();
                let base = base.or((!is_outside(*inside)).then_some(0));
                if let Some(base) = base {
                    ahead
                        .entry(*outside)
                        .or_insert(base.saturating_add(skew.ahead_ns()));
                }
            }
        }
        ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_what_differs_by_direction() {
        let check = |out_ns, back_ns, expected| {
            let skew = Skew { out_ns, back_ns };
            assert_eq!(skew.ahead_ns(), expected);
        };
        // The way takes 5, the clock is 100 ahead.
        check(Some(105), Some(-95), 100);
        check(Some(5), Some(5), 0);
        check(Some(-95), Some(105), -100);
        check(Some(100), None, 100);
        check(None, Some(-100), 100);
        check(None, None, 0);
    }
}
