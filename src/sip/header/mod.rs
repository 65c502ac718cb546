//! Header fields, each judged on demand (RFC 3261, 20).

mod auth;
mod content_type;
mod cseq;
mod name;
mod name_addr;
mod reason;
mod via;

pub use auth::{AuthParams, auth_parameter, auth_params};
pub use content_type::ContentType;
pub use cseq::CSeq;
pub use name::HeaderName;
pub use name_addr::NameAddr;
pub use reason::Reason;
pub use via::Via;

use crate::octets;

/// What a header field lacks to be what its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The message has no such field.
    #[error("the header field is missing")]
    Missing,
    /// The value does not follow its grammar.
    #[error("{0}")]
    Malformed(&'static str),
}

/// Splits at `separator` where it stands outside quotes, angle brackets and
/// parentheses-free comments; one pass, no allocation.
#[must_use]
pub const fn split_outside_quotes(value: &[u8], separator: u8) -> Parts<'_> {
    Parts {
        rest: Some(value),
        separator,
    }
}

/// The parts of a value; see [`split_outside_quotes`].
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let value = self.rest?;
        let end = memchr::memchr(self.separator, value).and_then(|first| {
            // Hardly any value has what hides a separator before the first.
            match memchr::memchr2(b'"', b'<', octets::span(value, 0, first)) {
                None => Some(first),
                Some(_) => end_outside_quotes(value, self.separator),
            }
        });
        self.rest = end.map(|end| octets::from(value, end.saturating_add(1)));
        Some(end.map_or(value, |end| octets::span(value, 0, end)))
    }
}

fn end_outside_quotes(value: &[u8], separator: u8) -> Option<usize> {
    let (mut quoted, mut escaped, mut angle) = (false, false, false);
    value.iter().position(|&octet| {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            _ if octet == separator && !angle => return true,
            b'<' => angle = true,
            b'>' => angle = false,
            _ => {}
        }
        false
    })
}

/// The parameters in `;name=value` pairs, the names as written; a value is
/// empty where there is none.
pub fn parameters(parameters: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    split_outside_quotes(parameters, b';').map(|pair| {
        let (key, value) = match memchr::memchr(b'=', pair) {
            Some(at) => (
                octets::span(pair, 0, at),
                octets::from(pair, at.saturating_add(1)),
            ),
            None => (pair, &b""[..]),
        };
        (key.trim_ascii(), unquoted(value.trim_ascii()))
    })
}

/// The value of parameter `name` among `;name=value` pairs; `Some(b"")` where
/// it stands without a value.
#[must_use]
pub fn parameter<'a>(from: &'a [u8], name: &str) -> Option<&'a [u8]> {
    if from.len() < name.len() {
        return None;
    }
    split_outside_quotes(from, b';').find_map(|pair| {
        // Most are another one, which their first octets tell.
        let pair = pair.trim_ascii_start();
        let (key, rest) = pair.split_at_checked(name.len())?;
        if !key.eq_ignore_ascii_case(name.as_bytes()) {
            return None;
        }
        match rest.trim_ascii_start() {
            [] => Some(&b""[..]),
            [b'=', value @ ..] => Some(unquoted(value.trim_ascii())),
            _ => None,
        }
    })
}

/// The inside of a quoted string; a token as it is.
#[must_use]
pub fn unquoted(value: &[u8]) -> &[u8] {
    value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_within_quotes_and_brackets_do_not_split() {
        let parts: Vec<_> =
            split_outside_quotes(br#""a,\"b" <sip:a,b@c>;x="1,2" , d"#, b',').collect();
        assert_eq!(parts, [&br#""a,\"b" <sip:a,b@c>;x="1,2" "#[..], b" d"]);
        assert_eq!(split_outside_quotes(b"", b',').count(), 1);
    }

    #[test]
    fn parameters_with_and_without_values() {
        let parameters = br#";lr; Tag = a6 ;q="x;y""#;
        assert_eq!(parameter(parameters, "tag"), Some(&b"a6"[..]));
        assert_eq!(parameter(parameters, "lr"), Some(&b""[..]));
        assert_eq!(parameter(parameters, "q"), Some(&b"x;y"[..]));
        assert_eq!(parameter(parameters, "ta"), None);
        assert_eq!(parameter(parameters, "tagg"), None);
        assert_eq!(parameter(b"tag x=1; tag\t= \"b\" ", "tag"), Some(&b"b"[..]));
        assert_eq!(parameter(b";expires=", "expires"), Some(&b""[..]));
    }
}
