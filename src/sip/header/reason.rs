//! `Reason` (RFC 3326).

use super::parameter;
use crate::octets;

/// Why a request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason<'a> {
    /// `SIP`, `Q.850`, ...
    pub protocol: &'a [u8],
    /// The code within the protocol.
    pub cause: Option<u64>,
    /// Its text.
    pub text: Option<&'a [u8]>,
}

impl<'a> Reason<'a> {
    /// Reads one value.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Self {
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let parameters = octets::from(value, end);
        Self {
            protocol: octets::span(value, 0, end).trim_ascii(),
            cause: parameter(parameters, "cause").and_then(octets::decimal),
            text: parameter(parameters, "text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_of_both_protocols() {
        let reason = Reason::parse(b"Q.850 ;cause=16 ;text=\"Normal; clearing\"");
        assert_eq!(reason.protocol, b"Q.850");
        assert_eq!(reason.cause, Some(16));
        assert_eq!(reason.text, Some(&b"Normal; clearing"[..]));
        assert_eq!(Reason::parse(b"SIP;cause=x").cause, None);
    }
}
