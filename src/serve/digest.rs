//! Challenges, and whether an answer to one is right (RFC 8760).

use digest_auth::{AuthContext, AuthorizationHeader, HttpMethod};
use rsip::Header;
use sha2::{Digest as _, Sha256};

use crate::sip::SipMessage;
use crate::sip::header::HeaderName;
use crate::sip::reply::{field, text};
use crate::time::{SECOND, Timestamp};

/// What users are challenged for.
const REALM: &str = "sip-inspect";
/// A nonce is stale after so long.
const FRESH_NS: i64 = 300 * SECOND;
/// Algorithms that are offered, the best first (RFC 8760, 2.4).
const ALGORITHMS: [&str; 3] = ["SHA-512-256", "SHA-256", "MD5"];

/// Users and their passwords.
#[derive(Clone, Default)]
pub struct Users(Vec<(String, String)>);

/// Passwords are not shown.
impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} users", self.0.len())
    }
}

impl Users {
    /// Reads `user:password`, one a line; empty lines and `#` lines are left out.
    ///
    /// # Errors
    ///
    /// The number of a line that is none.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, own)| !own.is_empty() && !own.starts_with('#'));
        let users = lines.map(|(place, line)| {
            let pair = line.split_once(':').filter(|(user, _)| !user.is_empty());
            let (user, password) = pair.ok_or(place + 1)?;
            Ok((user.to_owned(), password.to_owned()))
        });
        users.collect::<Result<_, _>>().map(Self)
    }

    fn password(&self, user: &str) -> Option<&str> {
        let known = self.0.iter().find(|(own, _)| own == user);
        known.map(|(_, password)| password.as_str())
    }
}

/// What an Authorization is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is right.
    Right,
    /// It is wrong, or there is none.
    Wrong,
    /// It would be right, were its nonce younger.
    Stale,
}

/// Makes challenges and looks at what answers them; it keeps nothing of them.
#[derive(Debug)]
pub(super) struct Gate {
    users: Users,
    secret: [u8; 32],
}

impl Gate {
    pub(super) fn new(users: Users, rng: &mut fastrand::Rng) -> Self {
        let secret = std::array::from_fn(|_| rng.u8(..));
        Self { users, secret }
    }

    fn nonce(&self, seconds: u64) -> String {
        let hash = Sha256::new()
            .chain_update(self.secret)
            .chain_update(seconds.to_be_bytes())
            .finalize();
        let hash = hash.get(..12).unwrap_or_default();
        let hash = data_encoding::HEXLOWER.encode(hash);
        format!("{seconds:x}-{hash}")
    }

    /// The challenges, one for each algorithm.
    pub(super) fn challenges(&self, now: Timestamp, is_stale: bool) -> Vec<Header> {
        let nonce = self.nonce(now.as_nanos() / 1_000_000_000);
        let stale = if is_stale { ", stale=true" } else { "" };
        let challenge = |algorithm: &str| {
            format!(
                "Digest realm=\"{REALM}\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"{stale}"
            )
        };
        let all = ALGORITHMS.into_iter().map(challenge);
        all.map(|own| field("WWW-Authenticate", own)).collect()
    }

    /// Looks at the Authorization of a request; `for_user` is whose it must be.
    pub(super) fn verdict(
        &self,
        now: Timestamp,
        request: &SipMessage<'_>,
        method: &str,
        for_user: Option<&str>,
    ) -> Verdict {
        let kind = HeaderName::of(b"Authorization");
        let mut fields = request.header_fields().iter();
        let own = fields.find_map(|field| {
            let text = text(field.value).filter(|_| field.kind == kind)?;
            AuthorizationHeader::parse(&text).ok()
        });
        let Some(mut own) = own.filter(|own| own.realm == REALM) else {
            return Verdict::Wrong;
        };
        let wanted = for_user.is_none_or(|user| user == own.username);
        let Some(password) = self.users.password(&own.username).filter(|_| wanted) else {
            return Verdict::Wrong;
        };
        let made = own.nonce.split('-').next().unwrap_or_default();
        let made = u64::from_str_radix(made, 16).unwrap_or_default();
        if self.nonce(made) != own.nonce {
            return Verdict::Wrong;
        }
        let told = own.response.clone();
        let (user, uri) = (own.username.clone(), own.uri.clone());
        let method = HttpMethod(method.to_owned().into());
        let body = Some(request.body());
        own.digest(&AuthContext::new_with_method(
            user, password, uri, body, method,
        ));
        // Nothing is won by timing a comparison of hashes that are used once.
        if own.response != told {
            return Verdict::Wrong;
        }
        let made = Timestamp::from_nanos(made.saturating_mul(1_000_000_000));
        match now.since(made) {
            age if age <= FRESH_NS => Verdict::Right,
            _ => Verdict::Stale,
        }
    }
}
