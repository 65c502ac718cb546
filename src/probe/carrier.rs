//! What SIP is carried by.

use crate::net::Transport;

/// Over what somebody is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carrier {
    /// Datagrams.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// SCTP; it is known, and not spoken.
    Sctp,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket over TLS.
    Wss,
}

impl Carrier {
    /// Its name, as reports and URIs have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Sctp => "sctp",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// By the name of a transport parameter.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let all = [
            Self::Udp,
            Self::Tcp,
            Self::Tls,
            Self::Sctp,
            Self::Ws,
            Self::Wss,
        ];
        all.into_iter()
            .find(|own| own.name().eq_ignore_ascii_case(name))
    }

    /// What IP carries.
    #[must_use]
    pub const fn wire(self) -> Transport {
        match self {
            Self::Udp => Transport::Udp,
            _ => Transport::Tcp,
        }
    }

    /// Whether it repeats by itself what is lost.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// Whether it is encrypted.
    #[must_use]
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// Whether each message comes by itself, in a frame of WebSocket.
    #[must_use]
    pub const fn is_framed(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }

    /// The port, where none is named (RFC 3261, 19.1.2; RFC 7118, 5).
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
            Self::Udp | Self::Tcp | Self::Sctp => 5060,
        }
    }

    /// As a parameter of a URI; nothing, where that goes without saying.
    #[must_use]
    pub fn parameter(self) -> String {
        match self {
            Self::Udp => String::new(),
            // RFC 7118, 5.2.1: the scheme, and not this, says that it is encrypted.
            Self::Ws | Self::Wss => ";transport=ws".to_owned(),
            own => format!(";transport={}", own.name()),
        }
    }
}
