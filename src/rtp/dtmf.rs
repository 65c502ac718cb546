//! Digits as named telephone events (RFC 4733).

use crate::octets::{u8_at, u16_at};

/// One packet's state of a digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// 0 to 15 are the digits.
    pub event: u8,
    /// Whether the digit ended.
    pub end: bool,
    /// How long it has lasted, in ticks of the RTP clock.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads the payload (RFC 4733, 2.3).
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        Some(Self {
            event: u8_at(payload, 0)?,
            end: u8_at(payload, 1)? & 0x80 != 0,
            duration: u16_at(payload, 2)?,
        })
    }

    /// The digit, if the event is one (RFC 4733, 3.2).
    #[must_use]
    pub fn digit(&self) -> Option<char> {
        Some(match self.event {
            digit @ 0..=9 => char::from(b'0'.saturating_add(digit)),
            10 => '*',
            11 => '#',
            letter @ 12..=15 => char::from(b'A'.saturating_add(letter.saturating_sub(12))),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_what_is_none() {
        for (event, digit) in [
            (0, Some('0')),
            (9, Some('9')),
            (10, Some('*')),
            (11, Some('#')),
            (12, Some('A')),
            (15, Some('D')),
            (16, None),
        ] {
            let read = TelephoneEvent::parse(&[event, 0x8a, 3, 32]).expect("an event");
            assert_eq!((read.digit(), read.end, read.duration), (digit, true, 800));
        }
        assert_eq!(TelephoneEvent::parse(&[1, 0, 3]), None);
    }
}
