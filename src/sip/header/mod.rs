//! Header fields, each judged on demand (RFC 3261, 20).

mod auth;
mod content_type;
mod cseq;
mod name_addr;
mod reason;
mod via;

pub use auth::{AuthParams, auth_parameter, auth_params};
pub use content_type::ContentType;
pub use cseq::CSeq;
pub use name_addr::NameAddr;
pub use reason::Reason;
pub use via::Via;

/// A header field's name, in any spelling; compact forms of RFC 3261 (7.3.3)
/// and its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the variants are the names")]
pub enum HeaderName {
    Accept,
    Allow,
    AllowEvents,
    Authorization,
    CSeq,
    CallId,
    Contact,
    ContentEncoding,
    ContentLength,
    ContentType,
    Date,
    Event,
    Expires,
    From,
    MaxForwards,
    MinExpires,
    MinSe,
    PAssertedIdentity,
    Path,
    ProxyAuthenticate,
    ProxyAuthorization,
    RAck,
    RSeq,
    Reason,
    RecordRoute,
    ReferTo,
    ReferredBy,
    Replaces,
    Require,
    RetryAfter,
    Route,
    Server,
    ServiceRoute,
    SessionExpires,
    SessionId,
    SubscriptionState,
    Subject,
    Supported,
    To,
    UserAgent,
    Via,
    Warning,
    WwwAuthenticate,
    /// Any other name.
    Other,
}

impl HeaderName {
    /// The name of these octets; case does not matter.
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        let mut lower = [0_u8; 20];
        let Some(lower) = lower.get_mut(..name.len()) else {
            return Self::Other;
        };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        match &*lower {
            b"accept" => Self::Accept,
            b"allow" => Self::Allow,
            b"allow-events" | b"u" => Self::AllowEvents,
            b"authorization" => Self::Authorization,
            b"cseq" => Self::CSeq,
            b"call-id" | b"i" => Self::CallId,
            b"contact" | b"m" => Self::Contact,
            b"content-encoding" | b"e" => Self::ContentEncoding,
            b"content-length" | b"l" => Self::ContentLength,
            b"content-type" | b"c" => Self::ContentType,
            b"date" => Self::Date,
            b"event" | b"o" => Self::Event,
            b"expires" => Self::Expires,
            b"from" | b"f" => Self::From,
            b"max-forwards" => Self::MaxForwards,
            b"min-expires" => Self::MinExpires,
            b"min-se" => Self::MinSe,
            b"p-asserted-identity" => Self::PAssertedIdentity,
            b"path" => Self::Path,
            b"proxy-authenticate" => Self::ProxyAuthenticate,
            b"proxy-authorization" => Self::ProxyAuthorization,
            b"rack" => Self::RAck,
            b"rseq" => Self::RSeq,
            b"reason" => Self::Reason,
            b"record-route" => Self::RecordRoute,
            b"refer-to" | b"r" => Self::ReferTo,
            b"referred-by" | b"b" => Self::ReferredBy,
            b"replaces" => Self::Replaces,
            b"require" => Self::Require,
            b"retry-after" => Self::RetryAfter,
            b"route" => Self::Route,
            b"server" => Self::Server,
            b"service-route" => Self::ServiceRoute,
            b"session-expires" | b"x" => Self::SessionExpires,
            b"session-id" => Self::SessionId,
            b"subscription-state" => Self::SubscriptionState,
            b"subject" | b"s" => Self::Subject,
            b"supported" | b"k" => Self::Supported,
            b"to" | b"t" => Self::To,
            b"user-agent" => Self::UserAgent,
            b"via" | b"v" => Self::Via,
            b"warning" => Self::Warning,
            b"www-authenticate" => Self::WwwAuthenticate,
            _ => Self::Other,
        }
    }
}

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
pub fn split_outside_quotes(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let value = rest?;
        let (mut quoted, mut escaped, mut angle) = (false, false, false);
        for (at, &octet) in value.iter().enumerate() {
            if escaped {
                escaped = false;
            } else if quoted {
                match octet {
                    b'\\' => escaped = true,
                    b'"' => quoted = false,
                    _ => {}
                }
            } else if octet == separator && !angle {
                rest = value.get(at.saturating_add(1)..);
                return value.get(..at);
            } else {
                match octet {
                    b'"' => quoted = true,
                    b'<' => angle = true,
                    b'>' => angle = false,
                    _ => {}
                }
            }
        }
        rest = None;
        Some(value)
    })
}

/// The value of parameter `name` among `;name=value` pairs; `Some(b"")` where
/// it stands without a value.
#[must_use]
pub fn parameter<'a>(parameters: &'a [u8], name: &str) -> Option<&'a [u8]> {
    split_outside_quotes(parameters, b';').find_map(|pair| {
        let (key, value) = match memchr::memchr(b'=', pair) {
            Some(at) => (
                pair.get(..at).unwrap_or_default(),
                crate::octets::from(pair, at.saturating_add(1)),
            ),
            None => (pair, &b""[..]),
        };
        key.trim_ascii()
            .eq_ignore_ascii_case(name.as_bytes())
            .then(|| unquoted(value.trim_ascii()))
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
    fn names_in_any_spelling() {
        for (name, expected) in [
            (&b"Via"[..], HeaderName::Via),
            (b"v", HeaderName::Via),
            (b"CALL-ID", HeaderName::CallId),
            (b"p-Asserted-identity", HeaderName::PAssertedIdentity),
            (b"C%6Fntact", HeaderName::Other),
            (b"a-name-longer-than-any-known", HeaderName::Other),
        ] {
            assert_eq!(HeaderName::of(name), expected);
        }
    }

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
    }
}
