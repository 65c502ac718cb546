//! The capture's clock.

use std::fmt;

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const MILLISECOND: i64 = 1_000_000;

/// An instant of the capture clock: nanoseconds since 1970-01-01 UTC.
///
/// Never the host's clock: everything below the edges is told the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The instant `nanoseconds` after the epoch.
    #[must_use]
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Nanoseconds from `earlier` to this instant; negative if it is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// Milliseconds from `earlier` to this instant.
    #[must_use]
    pub fn millis_since(self, earlier: Self) -> f64 {
        millis(self.since(earlier))
    }

    /// This instant moved by `nanoseconds`, held within what can be expressed.
    #[must_use]
    pub const fn offset(self, nanoseconds: i64) -> Self {
        Self(self.0.saturating_add_signed(nanoseconds))
    }

    /// RFC 3339 in UTC with `digits` (0 to 9) digits of the second.
    #[must_use]
    pub fn rfc3339(self, digits: u8) -> String {
        let (year, month, day) = self.date();
        // Every record has several; the formatting machinery takes ten times
        // as long.
        let mut text = Vec::with_capacity(32);
        push_digits(&mut text, year, 4);
        text.push(b'-');
        push_digits(&mut text, month, 2);
        text.push(b'-');
        push_digits(&mut text, day, 2);
        text.push(b'T');
        self.push_clock(&mut text, digits);
        text.push(b'Z');
        String::from_utf8(text).unwrap_or_default()
    }

    /// The time of day in UTC, `HH:MM:SS.fff`, with `digits` digits of the second.
    #[must_use]
    pub fn clock(self, digits: u8) -> String {
        let mut text = Vec::with_capacity(32);
        self.push_clock(&mut text, digits);
        String::from_utf8(text).unwrap_or_default()
    }

    fn push_clock(self, text: &mut Vec<u8>, digits: u8) {
        let second_of_day = (self.0 / SECOND.unsigned_abs()) % 86_400;
        push_digits(text, second_of_day / 3600, 2);
        text.push(b':');
        push_digits(text, second_of_day / 60 % 60, 2);
        text.push(b':');
        push_digits(text, second_of_day % 60, 2);
        let digits = digits.min(9);
        if digits > 0 {
            text.push(b'.');
            let fraction = self.0 % SECOND.unsigned_abs();
            push_digits(text, fraction / 10_u64.pow(9 - u32::from(digits)), digits);
        }
    }

    /// Year, month and day in UTC, by the civil-from-days method.
    fn date(self) -> (u64, u64, u64) {
        let days = self.0 / (86_400 * SECOND.unsigned_abs()) + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        (year, month, day)
    }
}

/// The last so many digits of a number, zeros before it. No year of a timestamp has more
/// than four.
fn push_digits(text: &mut Vec<u8>, number: u64, digits: u8) {
    let from = text.len();
    text.resize(from + usize::from(digits), b'0');
    let mut left = number;
    for octet in text.iter_mut().skip(from).rev() {
        *octet = b'0' + (left % 10) as u8;
        left /= 10;
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339(9))
    }
}

/// Nanoseconds as milliseconds.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "53 bits hold 104 days of nanoseconds"
)]
pub fn millis(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / MILLISECOND as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_spelled_as_rfc3339() {
        let check = |nanoseconds, digits, expected| {
            assert_eq!(Timestamp::from_nanos(nanoseconds).rfc3339(digits), expected);
        };
        check(0, 0, "1970-01-01T00:00:00Z");
        check(951_782_400_000_000_001, 9, "2000-02-29T00:00:00.000000001Z");
        check(1_795_364_212_397_123_456, 6, "2026-11-22T16:16:52.397123Z");
        check(4_102_444_799_999_999_999, 3, "2099-12-31T23:59:59.999Z");
    }

    #[test]
    fn differences_have_a_sign_and_offsets_stay_in_range() {
        let (early, late) = (Timestamp::from_nanos(5), Timestamp::from_nanos(1_500_005));
        assert!((late.millis_since(early) - 1.5).abs() < 1e-9);
        assert_eq!(early.since(late), -1_500_000);
        assert_eq!(early.offset(-9), Timestamp::from_nanos(0));
        assert_eq!(early.offset(3), Timestamp::from_nanos(8));
    }
}
