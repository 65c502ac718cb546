//! `CSeq` (RFC 3261, 20.16).

use super::HeaderError;
use crate::octets;
use crate::sip::Method;

/// The order and method of a request, echoed in its responses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// The number; below 2^31 when its writer keeps to 8.1.1.5.
    pub number: u32,
    /// The method.
    pub method: Method,
}

impl CSeq {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// When there is no number below 2^32, or no method.
    pub fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        let mut words = value
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let number = words
            .next()
            .and_then(octets::decimal)
            .and_then(|number| u32::try_from(number).ok())
            .ok_or(HeaderError::Malformed("no number below 2^32"))?;
        let method = words.next().ok_or(HeaderError::Malformed("no method"))?;
        Ok(Self {
            number,
            method: Method::of(method),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_32_bits() {
        let check = |value: &[u8], expected: Option<(u32, Method)>| {
            let read = CSeq::parse(value)
                .ok()
                .map(|cseq| (cseq.number, cseq.method));
            assert_eq!(read, expected);
        };
        check(b"0009\r\n  INVITE", Some((9, Method::Invite)));
        check(b"1\tOPTIONS", Some((1, Method::Options)));
        check(b"4294967295 BYE", Some((u32::MAX, Method::Bye)));
        check(b"4294967296 BYE", None);
        check(b"-1 BYE", None);
        check(b"7", None);
    }
}
