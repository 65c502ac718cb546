//! Values that need no second look.

use smallvec::SmallVec;

/// Values found to be good: from message to message of a call the same ones
/// come again. What is bad is told of each message, and looked at each time.
#[derive(Debug, Default)]
pub(super) struct Good<'a>(SmallVec<[&'a [u8]; KEPT]>);

/// A call has few parties; more are looked at again.
const KEPT: usize = 12;

impl<'a> Good<'a> {
    /// Whether a value is good; `check` says so where it is not known.
    #[inline]
    pub(super) fn is(&mut self, value: &'a [u8], check: impl FnOnce(&'a [u8]) -> bool) -> bool {
        if self.0.contains(&value) {
            return true;
        }
        let is_good = check(value);
        if is_good && self.0.len() < KEPT {
            self.0.push(value);
        }
        is_good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_good_is_looked_at_once_and_what_is_bad_each_time() {
        let others: Vec<[u8; 1]> = (0..=u8::MAX).map(|octet| [octet]).collect();
        let mut good = Good::default();
        let mut looks = 0;
        for (value, expected) in [("a", true), ("b", false), ("a", true), ("b", false)] {
            let is_good = good.is(value.as_bytes(), |value| {
                looks += 1;
                value == b"a"
            });
            assert_eq!(is_good, expected, "{value}");
        }
        assert_eq!(looks, 3);
        assert!(others.iter().all(|other| good.is(other, |_| true)));
        assert_eq!(good.0.len(), KEPT);
    }
}
