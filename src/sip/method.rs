//! Request methods.

use std::fmt;

/// A request method; case-sensitive (RFC 3261, 7.1), unknown ones kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// RFC 3261, 13.
    Invite,
    /// RFC 3261, 13.
    Ack,
    /// RFC 3261, 15.
    Bye,
    /// RFC 3261, 9.
    Cancel,
    /// RFC 3261, 10.
    Register,
    /// RFC 3261, 11.
    Options,
    /// RFC 3262.
    Prack,
    /// RFC 3311.
    Update,
    /// RFC 6086.
    Info,
    /// RFC 6665.
    Subscribe,
    /// RFC 6665.
    Notify,
    /// RFC 3515.
    Refer,
    /// RFC 3428.
    Message,
    /// RFC 3903.
    Publish,
    /// Any other token.
    Other(Box<str>),
}

impl Method {
    /// The method of these octets.
    #[must_use]
    pub fn of(octets: &[u8]) -> Self {
        match octets {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"REGISTER" => Self::Register,
            b"OPTIONS" => Self::Options,
            b"PRACK" => Self::Prack,
            b"UPDATE" => Self::Update,
            b"INFO" => Self::Info,
            b"SUBSCRIBE" => Self::Subscribe,
            b"NOTIFY" => Self::Notify,
            b"REFER" => Self::Refer,
            b"MESSAGE" => Self::Message,
            b"PUBLISH" => Self::Publish,
            other => Self::Other(crate::octets::text(other).into()),
        }
    }

    /// Its bit in a set of methods; unknown ones share theirs.
    pub(crate) const fn bit(&self) -> u64 {
        let place = match self {
            Self::Invite => 0,
            Self::Ack => 1,
            Self::Bye => 2,
            Self::Cancel => 3,
            Self::Register => 4,
            Self::Options => 5,
            Self::Prack => 6,
            Self::Update => 7,
            Self::Info => 8,
            Self::Subscribe => 9,
            Self::Notify => 10,
            Self::Refer => 11,
            Self::Message => 12,
            Self::Publish => 13,
            Self::Other(_) => 14,
        };
        1 << place
    }

    /// The method as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Register => "REGISTER",
            Self::Options => "OPTIONS",
            Self::Prack => "PRACK",
            Self::Update => "UPDATE",
            Self::Info => "INFO",
            Self::Subscribe => "SUBSCRIBE",
            Self::Notify => "NOTIFY",
            Self::Refer => "REFER",
            Self::Message => "MESSAGE",
            Self::Publish => "PUBLISH",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_case_sensitive_tokens() {
        assert_eq!(Method::of(b"INVITE"), Method::Invite);
        assert_eq!(Method::of(b"Invite"), Method::Other("Invite".into()));
        for name in ["PRACK", "RE%47IST%45R", "PUBLISH"] {
            assert_eq!(Method::of(name.as_bytes()).as_str(), name);
        }
    }
}
