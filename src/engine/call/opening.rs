//! Who calls whom, as the first request says.

use crate::octets;
use crate::sip::StartLine;
use crate::sip::header::{HeaderName, NameAddr};

use super::Facts;

/// A party of a call, as a header field names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// The URI.
    pub uri: String,
    /// The user part, or the number of a `tel` URI.
    pub user: Option<String>,
    /// The display name.
    pub display: Option<String>,
}

impl Party {
    pub(super) fn of(value: &NameAddr<'_>) -> Self {
        let uri = value.parsed_uri();
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            uri: octets::text(value.uri),
            user: some(octets::text(uri.user_name())),
            display: some(value.display_text()),
        }
    }
}

/// What the first request said of the call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// `From`.
    pub from: Option<Party>,
    /// `To`.
    pub to: Option<Party>,
    /// The Request-URI.
    pub request_uri: Option<String>,
    /// `P-Asserted-Identity`.
    pub asserted_identity: Option<String>,
    /// `User-Agent` of the caller.
    pub user_agent: Option<String>,
    /// `Referred-By`.
    pub referred_by: Option<String>,
}

impl Opening {
    pub(super) fn of(facts: &Facts<'_, '_>) -> Self {
        let text = |name| {
            facts
                .message
                .value(name)
                .filter(|value| !value.is_empty())
                .map(octets::text)
        };
        Self {
            from: facts.message.from().as_ref().map(Party::of),
            to: facts.message.to().as_ref().map(Party::of),
            request_uri: match facts.message.start_line() {
                StartLine::Request { request_uri, .. } => Some(octets::text(request_uri)),
                StartLine::Response { .. } => None,
            },
            asserted_identity: text(HeaderName::PAssertedIdentity),
            user_agent: if facts.is_response {
                None
            } else {
                text(HeaderName::UserAgent)
            },
            referred_by: text(HeaderName::ReferredBy),
        }
    }

    /// Whether anything was said yet.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    pub(super) fn cost(&self) -> usize {
        let party = |party: &Option<Party>| {
            party.as_ref().map_or(0, |party| {
                party.uri.len() * 2 + party.display.as_ref().map_or(0, String::len)
            })
        };
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        party(&self.from)
            + party(&self.to)
            + text(&self.request_uri)
            + text(&self.user_agent)
            + text(&self.asserted_identity)
    }
}
