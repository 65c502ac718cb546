//! `Content-Type` (RFC 3261, 20.15).

use super::parameter;
use crate::octets;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentType<'a> {
    /// `type/subtype`, as written.
    pub media_type: &'a [u8],
    /// The parameters, from the first semicolon on.
    pub parameters: &'a [u8],
}

impl<'a> ContentType<'a> {
    /// Reads the value.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Self {
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        Self {
            media_type: octets::span(value, 0, end).trim_ascii(),
            parameters: octets::from(value, end),
        }
    }

    /// Whether it is `type/subtype`, in any case and spacing.
    #[must_use]
    pub fn is(&self, media_type: &str) -> bool {
        self.media_type
            .iter()
            .filter(|octet| !octet.is_ascii_whitespace())
            .map(u8::to_ascii_lowercase)
            .eq(media_type.bytes())
    }

    /// The boundary of a multipart body.
    #[must_use]
    pub fn boundary(&self) -> Option<&'a [u8]> {
        parameter(self.parameters, "boundary").filter(|boundary| !boundary.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_in_any_spelling() {
        assert!(ContentType::parse(b"Application / SDP").is("application/sdp"));
        assert!(ContentType::parse(b"application/sdp;charset=x").is("application/sdp"));
        assert!(!ContentType::parse(b"application/sdpx").is("application/sdp"));
        let mixed = ContentType::parse(b"multipart/mixed;boundary=\"7a9\"");
        assert_eq!(mixed.boundary(), Some(&b"7a9"[..]));
        assert_eq!(
            ContentType::parse(b"multipart/mixed;boundary=").boundary(),
            None
        );
    }
}
