//! Answers to challenges (RFC 3261, 22; RFC 8760), by digest_auth.

use digest_auth::{AuthContext, HttpMethod, WwwAuthenticateHeader};
use rsip::Header;

use crate::sip::SipMessage;
use crate::sip::header::HeaderName;

/// Who somebody says to be.
#[derive(Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password, where there is one.
    pub password: Option<String>,
    /// The realm that it is for; any, unless one is named.
    pub realm: Option<String>,
}

/// The password is not shown.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} for {:?}", self.user, self.realm)
    }
}

/// Why a challenge is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswerable {
    NoPassword,
    OtherRealm,
    NoAlgorithm,
    /// It was answered, and the answer was not accepted.
    Refused,
}

impl Unanswerable {
    /// In a word, for machines.
    pub(super) const fn verdict(self) -> &'static str {
        match self {
            Self::NoPassword => "password-wanted",
            Self::OtherRealm => "other-realm",
            Self::NoAlgorithm => "challenge-unanswerable",
            Self::Refused => "refused",
        }
    }
}

/// Rounds of challenge and answer for one request: the first, and one for a
/// nonce that was stale.
const MAX_ROUNDS: u8 = 2;

/// Challenges met, and how the last is answered.
#[derive(Debug)]
pub(super) struct Digest {
    credentials: Credentials,
    challenge: Option<Challenge>,
    rounds: u8,
    answered: Option<Header>,
    /// Challenges met.
    pub challenges: u64,
    /// The realm of the last.
    pub realm: Option<String>,
    /// Its algorithm.
    pub algorithm: Option<String>,
    /// The quality of protection that was used.
    pub qop: Option<String>,
}

/// A challenge that was chosen.
#[derive(Debug)]
struct Challenge {
    header: WwwAuthenticateHeader,
    /// The header field that answers it.
    answer: &'static str,
}

impl Digest {
    pub(super) const fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            challenge: None,
            rounds: 0,
            answered: None,
            challenges: 0,
            realm: None,
            algorithm: None,
            qop: None,
        }
    }

    /// A request was accepted, or another begins: what was refused before says
    /// nothing about it.
    pub(super) const fn begin(&mut self) {
        self.rounds = 0;
    }

    /// Takes the topmost challenge that can be answered (RFC 8760, 2.4: the
    /// server's order is its preference), and refuses to answer for ever.
    pub(super) fn take(
        &mut self,
        message: &SipMessage<'_>,
        status: u16,
    ) -> Result<(), Unanswerable> {
        self.challenges += 1;
        let (asks, answer) = match status {
            401 => ("WWW-Authenticate", "Authorization"),
            _ => ("Proxy-Authenticate", "Proxy-Authorization"),
        };
        let kind = HeaderName::of(asks.as_bytes());
        let fields = message.header_fields().iter();
        let mut known = fields
            .filter(|field| field.kind == kind)
            .filter_map(|field| std::str::from_utf8(field.value).ok())
            .filter(|text| is_plain(text))
            .filter_map(|text| digest_auth::parse(text).ok());
        let Some(chosen) = known.next() else {
            return Err(Unanswerable::NoAlgorithm);
        };
        self.realm = Some(chosen.realm.clone());
        self.algorithm = Some(chosen.algorithm.to_string());
        let was_answered = self.rounds > 0;
        if self.credentials.password.is_none() {
            return Err(Unanswerable::NoPassword);
        }
        let is_wanted = self
            .credentials
            .realm
            .as_ref()
            .is_none_or(|own| *own == chosen.realm);
        if !is_wanted {
            return Err(Unanswerable::OtherRealm);
        }
        self.rounds += 1;
        // RFC 3261, 22.2: not again with the same password, unless only the nonce
        // was old.
        if was_answered && (!chosen.stale || self.rounds > MAX_ROUNDS) {
            return Err(Unanswerable::Refused);
        }
        self.challenge = Some(Challenge {
            header: chosen,
            answer,
        });
        Ok(())
    }

    /// The header field that was answered with last.
    pub(super) fn again(&self) -> Option<Header> {
        self.answered.clone()
    }

    /// The header field that answers the challenge taken last, for a request.
    pub(super) fn answer(
        &mut self,
        method: &'static str,
        uri: &str,
        body: &[u8],
    ) -> Option<Header> {
        let challenge = self.challenge.as_mut()?;
        let password = self.credentials.password.as_ref()?;
        let context = AuthContext::new_with_method(
            self.credentials.user.as_str(),
            password.as_str(),
            uri,
            Some(body),
            HttpMethod(method.into()),
        );
        let answer = challenge.header.respond(&context).ok()?;
        self.qop = answer.qop.map(|own| own.to_string());
        let name = challenge.answer.to_owned();
        self.answered = Some(Header::Other(name, answer.to_string()));
        self.answered.clone()
    }
}

/// Whether text can be written into a header field again.
fn is_plain(text: &str) -> bool {
    text.len() < 4096 && !text.chars().any(char::is_control)
}
