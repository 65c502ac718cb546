//! Reading integers out of octets that nobody vouches for.
//!
//! Every reader here answers `None` past the end, so that a decoder built on
//! them has no index that a captured octet could push out of bounds.

use std::borrow::Cow;

/// The octet at `at`.
#[inline]
#[must_use]
pub(crate) fn u8_at(octets: &[u8], at: usize) -> Option<u8> {
    octets.get(at).copied()
}

/// The big-endian 16-bit integer that starts at `at`.
#[inline]
#[must_use]
pub(crate) fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    let bytes = octets.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

/// The big-endian 32-bit integer that starts at `at`.
#[inline]
#[must_use]
pub(crate) fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    let bytes = octets.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// The part of `octets` from `at` on; empty past the end.
#[inline]
#[must_use]
pub(crate) fn from(octets: &[u8], at: usize) -> &[u8] {
    octets.get(at..).unwrap_or_default()
}

/// At most `length` octets from `at` on; what is there when there are fewer.
#[inline]
#[must_use]
pub(crate) fn span(octets: &[u8], at: usize, length: usize) -> &[u8] {
    let rest = from(octets, at);
    rest.get(..length.min(rest.len())).unwrap_or_default()
}

/// Octets as text, with what is not UTF-8 replaced; Latin-1 letters common in
/// old stacks survive as themselves.
#[must_use]
pub(crate) fn text(octets: &[u8]) -> String {
    text_of(octets).into_owned()
}

/// The same, borrowed where that can be.
#[must_use]
pub(crate) fn text_of(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(octets.iter().map(|&octet| char::from(octet)).collect()),
    }
}

/// An IP address, written without brackets.
#[must_use]
pub(crate) fn address(octets: &[u8]) -> Option<std::net::IpAddr> {
    // Most hosts are names; the longest address has 39 characters.
    let may_be = |octet: &u8| octet.is_ascii_hexdigit() || matches!(octet, b'.' | b':' | b'%');
    if octets.len() > 64 || !octets.iter().all(may_be) {
        return None;
    }
    if !octets.contains(&b':') {
        return address_v4(octets).map(std::net::IpAddr::V4);
    }
    std::str::from_utf8(octets).ok()?.parse().ok()
}

/// Four numbers of up to three digits, none with a zero in front, as the standard library
/// reads them; every message names several.
fn address_v4(octets: &[u8]) -> Option<std::net::Ipv4Addr> {
    let mut parts = octets.split(|octet| *octet == b'.');
    let mut number = || -> Option<u8> {
        let digits = parts.next()?;
        if !matches!(digits, [b'1'..=b'9', ..] | [_]) || digits.len() > 3 {
            return None;
        }
        u8::try_from(decimal(digits)?).ok()
    };
    let address = std::net::Ipv4Addr::new(number()?, number()?, number()?, number()?);
    parts.next().is_none().then_some(address)
}

/// A decimal number made of digits only, as large as fits in 64 bits.
#[must_use]
pub(crate) fn decimal(octets: &[u8]) -> Option<u64> {
    if octets.is_empty() || !octets.iter().all(u8::is_ascii_digit) {
        return None;
    }
    octets.iter().try_fold(0_u64, |sum, &digit| {
        sum.checked_mul(10)?
            .checked_add(u64::from(digit.wrapping_sub(b'0')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_end_where_the_octets_end() {
        let octets = [1, 2, 3, 4];
        assert_eq!(u8_at(&octets, 3), Some(4));
        assert_eq!(u8_at(&octets, 4), None);
        assert_eq!(u16_at(&octets, 2), Some(0x0304));
        assert_eq!(u16_at(&octets, 3), None);
        assert_eq!(u32_at(&octets, 0), Some(0x0102_0304));
        assert_eq!(u32_at(&octets, 1), None);
        assert_eq!(u16_at(&octets, usize::MAX), None);
    }

    #[test]
    fn spans_keep_what_is_there() {
        assert_eq!(span(b"abcdef", 2, 3), b"cde");
        assert_eq!(span(b"abcdef", 4, 9), b"ef");
        assert_eq!(span(b"abcdef", 7, 1), b"");
        assert_eq!(from(b"ab", 3), b"");
    }

    #[test]
    fn addresses_are_those_of_the_standard_library() {
        for text in [
            "192.0.2.1",
            "0.0.0.0",
            "255.255.255.255",
            "256.0.0.1",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.",
            "1.2.3.04",
            "1.2.3.00",
            "1.2.3.0004",
            "a.b.c.d",
            ".1.2.3",
            "",
            "1",
            "2001:db8::1",
            "::ffff:192.0.2.1",
            "fe80::1%1",
            "[::1]",
            "host.example",
            " 192.0.2.1",
        ] {
            assert_eq!(address(text.as_bytes()), text.parse().ok(), "{text:?}");
        }
    }

    #[test]
    fn decimals_are_digits_within_64_bits() {
        assert_eq!(decimal(b"0070"), Some(70));
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(decimal(b"18446744073709551616"), None);
        assert_eq!(decimal(b"-1"), None);
        assert_eq!(decimal(b""), None);
    }
}
