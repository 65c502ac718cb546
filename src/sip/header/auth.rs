//! Challenges and credentials (RFC 3261, 20.7, 20.27; RFC 7616).

use super::{split_outside_quotes, unquoted};
use crate::octets;

/// The parameters of a challenge or of credentials that tell who is asked for
/// what. The response itself is not kept here: it is a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuthParams<'a> {
    /// `Digest`, as written.
    pub scheme: &'a [u8],
    /// The protection domain.
    pub realm: Option<&'a [u8]>,
    /// The user, in credentials.
    pub username: Option<&'a [u8]>,
    /// The hash; MD5 where absent.
    pub algorithm: Option<&'a [u8]>,
    /// Whether only the nonce was refused, not the password.
    pub stale: bool,
}

/// Reads a challenge or credentials.
#[must_use]
pub fn auth_params(value: &[u8]) -> AuthParams<'_> {
    let value = value.trim_ascii();
    let end = value
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(value.len());
    let mut params = AuthParams {
        scheme: octets::span(value, 0, end),
        ..AuthParams::default()
    };
    for pair in split_outside_quotes(octets::from(value, end), b',') {
        let Some(at) = memchr::memchr(b'=', pair) else {
            continue;
        };
        let name = octets::span(pair, 0, at).trim_ascii();
        let value = unquoted(octets::from(pair, at.saturating_add(1)).trim_ascii());
        if name.eq_ignore_ascii_case(b"realm") {
            params.realm = Some(value);
        } else if name.eq_ignore_ascii_case(b"username") {
            params.username = Some(value);
        } else if name.eq_ignore_ascii_case(b"algorithm") {
            params.algorithm = Some(value);
        } else if name.eq_ignore_ascii_case(b"stale") {
            params.stale = value.eq_ignore_ascii_case(b"true");
        }
    }
    params
}

/// One parameter of a challenge or of credentials, quotes and all.
#[must_use]
pub fn auth_parameter<'a>(value: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let value = value.trim_ascii();
    let end = value.iter().position(u8::is_ascii_whitespace)?;
    split_outside_quotes(octets::from(value, end), b',').find_map(|pair| {
        let at = memchr::memchr(b'=', pair)?;
        let key = octets::span(pair, 0, at).trim_ascii();
        key.eq_ignore_ascii_case(name.as_bytes())
            .then(|| octets::from(pair, at.saturating_add(1)).trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_and_credentials() {
        let challenge =
            auth_params(b"Digest realm=\"a, b\", nonce=\"x\", stale=TRUE,algorithm=SHA-256");
        assert_eq!(challenge.scheme, b"Digest");
        assert_eq!(challenge.realm, Some(&b"a, b"[..]));
        assert_eq!(challenge.algorithm, Some(&b"SHA-256"[..]));
        assert!(challenge.stale);
        let credentials = auth_params(b"Digest username=\"bob\", stale=no");
        assert_eq!(credentials.username, Some(&b"bob"[..]));
        assert!(!credentials.stale);
        assert_eq!(auth_params(b""), AuthParams::default());
        let parameter = |name| auth_parameter(b"Digest realm=\"a, b\", nc=00000001", name);
        assert_eq!(parameter("realm"), Some(&b"\"a, b\""[..]));
        assert_eq!(parameter("NC"), Some(&b"00000001"[..]));
        assert_eq!(parameter("qop"), None);
    }
}
