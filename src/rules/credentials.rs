//! Secrets that the user gave, to verify digest responses with (RFC 7616).

use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::octets;
use crate::sip::header::{auth_parameter, unquoted};

/// What one user's responses are computed of.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The user name.
    user: String,
    /// The realm.
    realm: String,
    secret: Secret,
}

/// A password, or the hash of user, realm and password.
#[derive(Clone, PartialEq, Eq)]
enum Secret {
    Password(String),
    Ha1(String),
}

/// Secrets are not shown.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.user, self.realm)
    }
}

/// How a response was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it should be.
    Right,
    /// As it should be, but for this.
    Almost(&'static str),
    /// In no way that is known.
    Wrong,
}

impl Credential {
    /// Reads `USER:REALM:PASSWORD` or `USER:REALM:ha1=HEX`.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (user, rest) = line.split_once(':')?;
        let (realm, secret) = rest.split_once(':')?;
        let secret = match secret.strip_prefix("ha1=") {
            Some(hex) if hex.len() >= 32 && hex.bytes().all(|own| own.is_ascii_hexdigit()) => {
                Secret::Ha1(hex.to_ascii_lowercase())
            }
            Some(_) => return None,
            None => Secret::Password(secret.to_owned()),
        };
        let named = !user.is_empty() && !realm.is_empty();
        named.then(|| Self {
            user: user.to_owned(),
            realm: realm.to_owned(),
            secret,
        })
    }

    /// Whether it is for the user and realm of these credentials.
    pub(super) fn is_for(&self, value: &[u8]) -> bool {
        let is = |name: &str, own: &str| {
            auth_parameter(value, name).map(unquoted) == Some(own.as_bytes())
        };
        is("username", &self.user) && is("realm", &self.realm)
    }

    /// How the response of `value` was computed for a request of `method`.
    /// `None` where the algorithm is not known, or the body was hashed too.
    pub(super) fn verdict(&self, value: &[u8], method: &str) -> Option<Verdict> {
        let text = |name: &str| auth_parameter(value, name).map(unquoted).map(octets::text);
        let algorithm = text("algorithm").unwrap_or_default().to_ascii_uppercase();
        let hash: fn(&str) -> String = match algorithm.trim_end_matches("-SESS") {
            "" | "MD5" => md5,
            "SHA-256" => sha256,
            _ => return None,
        };
        let qop = text("qop");
        if qop.as_deref() == Some("auth-int") {
            return None;
        }
        let sent = text("response")?;
        let (nonce, uri) = (text("nonce")?, text("uri")?);
        let (cnonce, nc) = (text("cnonce"), text("nc"));
        let is_session = algorithm.ends_with("-SESS");
        let compute = |ha1: &str, method: &str, with_qop: bool| {
            let ha1 = match is_session {
                true => hash(&format!(
                    "{ha1}:{nonce}:{}",
                    cnonce.as_deref().unwrap_or_default()
                )),
                false => ha1.to_owned(),
            };
            let ha2 = hash(&format!("{method}:{uri}"));
            match (&qop, with_qop) {
                (Some(qop), true) => hash(&format!(
                    "{ha1}:{nonce}:{}:{}:{qop}:{ha2}",
                    nc.as_deref().unwrap_or_default(),
                    cnonce.as_deref().unwrap_or_default()
                )),
                _ => hash(&format!("{ha1}:{nonce}:{ha2}")),
            }
        };
        let (user, realm) = (&self.user, &self.realm);
        let ha1 = match &self.secret {
            Secret::Password(password) => hash(&format!("{user}:{realm}:{password}")),
            Secret::Ha1(hex) => hex.clone(),
        };
        if compute(&ha1, method, true) == sent {
            return Some(Verdict::Right);
        }
        if compute(&ha1, method, true).eq_ignore_ascii_case(&sent) {
            return Some(Verdict::Almost("it is written in capitals"));
        }
        if qop.is_some() && compute(&ha1, method, false) == sent {
            return Some(Verdict::Almost("qop was left out of the hash"));
        }
        for other in ["INVITE", "REGISTER", "ACK", "CANCEL", "BYE", "OPTIONS"] {
            if compute(&ha1, other, true) == sent {
                return Some(Verdict::Almost("it was computed for another method"));
            }
        }
        let Secret::Password(password) = &self.secret else {
            return Some(Verdict::Wrong);
        };
        let others = [
            (
                format!("{user}@{realm}:{realm}:{password}"),
                "the user was hashed with a domain",
            ),
            (
                format!("{user}::{password}"),
                "the realm was left out of the hash",
            ),
            (
                format!("{user}:{realm}:{password} "),
                "the password was hashed with a space at its end",
            ),
            (
                format!("{user}:{realm}:"),
                "it was computed without a password",
            ),
        ];
        let found = others
            .iter()
            .find(|(parts, _)| compute(&hash(parts), method, true) == sent);
        Some(found.map_or(Verdict::Wrong, |(_, why)| Verdict::Almost(why)))
    }
}

fn hex(octets: impl AsRef<[u8]>) -> String {
    data_encoding::HEXLOWER.encode(octets.as_ref())
}

fn md5(text: &str) -> String {
    hex(Md5::digest(text.as_bytes()))
}

fn sha256(text: &str) -> String {
    hex(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7616, 3.9.1.
    #[test]
    fn responses_of_the_rfc_are_right() {
        let check = |algorithm: &str, response: &str, password: &str, method: &str| {
            let value = format!(
                "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", \
                 algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, \
                 cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"{response}\""
            );
            let line = format!("Mufasa:http-auth@example.org:{password}");
            let own = Credential::parse(&line).expect("a credential");
            assert!(own.is_for(value.as_bytes()));
            own.verdict(value.as_bytes(), method)
        };
        let (md5, sha) = (
            "8ca523f5e9506fed4657c9700eebdbec",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        );
        assert_eq!(
            check("MD5", md5, "Circle of Life", "GET"),
            Some(Verdict::Right)
        );
        assert_eq!(
            check("SHA-256", sha, "Circle of Life", "GET"),
            Some(Verdict::Right)
        );
        assert_eq!(check("MD5", md5, "Circle", "GET"), Some(Verdict::Wrong));
        assert_eq!(check("SHA-512-256", sha, "Circle of Life", "GET"), None);
        let upper = md5.to_ascii_uppercase();
        assert_eq!(
            check("MD5", &upper, "Circle of Life", "GET"),
            Some(Verdict::Almost("it is written in capitals"))
        );
    }

    #[test]
    fn lines_that_are_no_credentials_are_refused() {
        for line in ["", "a", "a:b", ":b:c", "a::c", "a:b:ha1=77"] {
            assert_eq!(Credential::parse(line), None, "{line}");
        }
        let own = Credential::parse("a:b:c:d").expect("a password with a colon");
        assert_eq!(format!("{own:?}"), "a@b");
    }
}
