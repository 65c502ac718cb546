//! Header field names, in any spelling.

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
    Identity,
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
    #[inline]
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        let mut slot = slot_of(name);
        while let Some(&place) = SLOTS.get(slot)
            && let Some((known, kind)) = KNOWN.get(usize::from(place))
        {
            // Most are spelled as the RFCs do.
            if name == *known || name.eq_ignore_ascii_case(known) {
                return *kind;
            }
            slot = slot.wrapping_add(1);
        }
        Self::Other
    }

    /// Its bit among those of a set of names.
    #[inline]
    pub(crate) const fn bit(self) -> u64 {
        1 << (self as u8)
    }
}

/// The names that are told apart, with their compact forms.
const KNOWN: [(&[u8], HeaderName); 60] = [
    (b"Accept", HeaderName::Accept),
    (b"Allow", HeaderName::Allow),
    (b"Allow-Events", HeaderName::AllowEvents),
    (b"u", HeaderName::AllowEvents),
    (b"Authorization", HeaderName::Authorization),
    (b"CSeq", HeaderName::CSeq),
    (b"Call-ID", HeaderName::CallId),
    (b"i", HeaderName::CallId),
    (b"Contact", HeaderName::Contact),
    (b"m", HeaderName::Contact),
    (b"Content-Encoding", HeaderName::ContentEncoding),
    (b"e", HeaderName::ContentEncoding),
    (b"Content-Length", HeaderName::ContentLength),
    (b"l", HeaderName::ContentLength),
    (b"Content-Type", HeaderName::ContentType),
    (b"c", HeaderName::ContentType),
    (b"Date", HeaderName::Date),
    (b"Event", HeaderName::Event),
    (b"o", HeaderName::Event),
    (b"Expires", HeaderName::Expires),
    (b"Identity", HeaderName::Identity),
    (b"y", HeaderName::Identity),
    (b"From", HeaderName::From),
    (b"f", HeaderName::From),
    (b"Max-Forwards", HeaderName::MaxForwards),
    (b"Min-Expires", HeaderName::MinExpires),
    (b"Min-SE", HeaderName::MinSe),
    (b"P-Asserted-Identity", HeaderName::PAssertedIdentity),
    (b"Path", HeaderName::Path),
    (b"Proxy-Authenticate", HeaderName::ProxyAuthenticate),
    (b"Proxy-Authorization", HeaderName::ProxyAuthorization),
    (b"RAck", HeaderName::RAck),
    (b"RSeq", HeaderName::RSeq),
    (b"Reason", HeaderName::Reason),
    (b"Record-Route", HeaderName::RecordRoute),
    (b"Refer-To", HeaderName::ReferTo),
    (b"r", HeaderName::ReferTo),
    (b"Referred-By", HeaderName::ReferredBy),
    (b"b", HeaderName::ReferredBy),
    (b"Replaces", HeaderName::Replaces),
    (b"Require", HeaderName::Require),
    (b"Retry-After", HeaderName::RetryAfter),
    (b"Route", HeaderName::Route),
    (b"Server", HeaderName::Server),
    (b"Service-Route", HeaderName::ServiceRoute),
    (b"Session-Expires", HeaderName::SessionExpires),
    (b"x", HeaderName::SessionExpires),
    (b"Session-ID", HeaderName::SessionId),
    (b"Subscription-State", HeaderName::SubscriptionState),
    (b"Subject", HeaderName::Subject),
    (b"s", HeaderName::Subject),
    (b"Supported", HeaderName::Supported),
    (b"k", HeaderName::Supported),
    (b"To", HeaderName::To),
    (b"t", HeaderName::To),
    (b"User-Agent", HeaderName::UserAgent),
    (b"Via", HeaderName::Via),
    (b"v", HeaderName::Via),
    (b"Warning", HeaderName::Warning),
    (b"WWW-Authenticate", HeaderName::WwwAuthenticate),
];

/// Slots, a power of two, and room for the last of them to be taken.
const HASHED: usize = 256;
const FREE: u8 = u8::MAX;

/// Where each name is looked for, from its [`slot_of`] on until a free slot.
static SLOTS: [u8; HASHED + 16] = slots();

/// Names of one length that begin and end alike are rare.
#[inline]
const fn slot_of(name: &[u8]) -> usize {
    let (Some(first), Some(last)) = (name.first(), name.last()) else {
        return 0;
    };
    let (first, last) = ((*first | 0x20) as usize, (*last | 0x20) as usize);
    (name.len().wrapping_mul(23) ^ first.wrapping_mul(5) ^ last.wrapping_mul(41)) % HASHED
}

#[expect(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "runs in the compiler, which would stop at a fault"
)]
const fn slots() -> [u8; HASHED + 16] {
    let mut slots = [FREE; HASHED + 16];
    let mut place = 0;
    while place < KNOWN.len() {
        let mut slot = slot_of(KNOWN[place].0);
        while slots[slot] != FREE {
            slot += 1;
        }
        slots[slot] = place as u8;
        place += 1;
    }
    assert!(
        slots[HASHED + 15] == FREE,
        "the last name must end the search"
    );
    slots
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
            (b"A-Name-Longer-Than-Any-Known", HeaderName::Other),
            (b"", HeaderName::Other),
        ] {
            assert_eq!(HeaderName::of(name), expected);
        }
        for (name, kind) in KNOWN {
            assert_eq!(HeaderName::of(name), kind);
            assert_eq!(HeaderName::of(&name.to_ascii_uppercase()), kind);
            assert_eq!(HeaderName::of(&name.to_ascii_lowercase()), kind);
            assert!(kind.bit() != HeaderName::Other.bit());
        }
    }
}
