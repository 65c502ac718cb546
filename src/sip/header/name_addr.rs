//! `From`, `To`, `Contact` and their kin (RFC 3261, 20.10): a display name, a
//! URI, parameters.

use super::{parameter, unquoted};
use crate::octets;
use crate::sip::Uri;

/// A display name, a URI and parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name without its quotes, escapes as written.
    pub display: &'a [u8],
    /// The URI as written.
    pub uri: &'a [u8],
    /// The field's own parameters, from the first semicolon on.
    pub parameters: &'a [u8],
}

impl<'a> NameAddr<'a> {
    /// Reads one value; whatever it holds, something is kept.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Self {
        let value = value.trim_ascii();
        let Some(open) = find_unquoted(value, b'<') else {
            // Without brackets, parameters belong to the field (20.10).
            let end = memchr::memchr(b';', value).unwrap_or(value.len());
            return Self {
                display: b"",
                uri: octets::span(value, 0, end).trim_ascii(),
                parameters: octets::from(value, end),
            };
        };
        let inside = octets::from(value, open.saturating_add(1));
        let close = memchr::memchr(b'>', inside).unwrap_or(inside.len());
        Self {
            display: unquoted(octets::span(value, 0, open).trim_ascii()),
            uri: octets::span(inside, 0, close).trim_ascii(),
            parameters: octets::from(inside, close.saturating_add(1)),
        }
    }

    /// The `tag` parameter, if it has a value.
    #[must_use]
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.parameter("tag").filter(|tag| !tag.is_empty())
    }

    /// A parameter of the field.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&'a [u8]> {
        parameter(self.parameters, name)
    }

    /// The URI, taken apart.
    #[must_use]
    pub fn parsed_uri(&self) -> Uri<'a> {
        Uri::parse(self.uri)
    }

    /// The display name with its escapes undone.
    #[must_use]
    pub fn display_text(&self) -> String {
        let mut text = Vec::with_capacity(self.display.len());
        let mut escaped = false;
        for &octet in self.display {
            if octet == b'\\' && !escaped {
                escaped = true;
            } else {
                escaped = false;
                text.push(octet);
            }
        }
        octets::text(&text)
    }
}

/// Where `wanted` stands outside quotes; its last place if a quote never ends,
/// so that the URI is still found.
fn find_unquoted(value: &[u8], wanted: u8) -> Option<usize> {
    let first = memchr::memchr2(b'"', wanted, value)?;
    if value.get(first) == Some(&wanted) {
        return Some(first);
    }
    let (mut quoted, mut escaped) = (false, false);
    let found = value.iter().position(|&octet| {
        if escaped {
            escaped = false;
        } else if quoted && octet == b'\\' {
            escaped = true;
        } else if octet == b'"' {
            quoted = !quoted;
        } else {
            return octet == wanted && !quoted;
        }
        false
    });
    match found {
        None if quoted => memchr::memrchr(wanted, value),
        found => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_addresses_and_tags() {
        let check = |value: &str, display: &str, uri: &str, tag: Option<&str>| {
            let read = NameAddr::parse(value.as_bytes());
            assert_eq!(read.display_text(), display, "{value}");
            assert_eq!(octets::text(read.uri), uri, "{value}");
            assert_eq!(read.tag(), tag.map(str::as_bytes), "{value}");
        };
        check(
            "\"J, \\\"R\\\" <x>\" <sip:a@b;p=1>;tag=7",
            "J, \"R\" <x>",
            "sip:a@b;p=1",
            Some("7"),
        );
        check("sip:a@b;tag=98asjd8", "", "sip:a@b", Some("98asjd8"));
        check(
            "caller<sip:caller@example.com>;tag=323",
            "caller",
            "sip:caller@example.com",
            Some("323"),
        );
        check("<tel:+12015550123>", "", "tel:+12015550123", None);
        check(
            "\"Mr. J. User <sip:j.user@example.com>",
            "\"Mr. J. User",
            "sip:j.user@example.com",
            None,
        );
        check("<sip:a@b", "", "sip:a@b", None);
        check("", "", "", None);
        check("<sip:a@b>;tag=", "", "sip:a@b", None);
    }
}
