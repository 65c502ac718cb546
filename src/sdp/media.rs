//! `m=` and what belongs to it (RFC 8866, 5.14).

use std::net::IpAddr;

use smallvec::SmallVec;

use super::attribute::{Candidate, RtpMap};
use super::{MAX_ATTRIBUTES, Origin};
use crate::net::Endpoint;
use crate::octets;

/// What kind of medium a line describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MediaKind {
    /// Speech.
    #[default]
    Audio,
    /// Pictures that move.
    Video,
    /// Fax over UDPTL (T.38), mostly.
    Image,
    /// Any other, as written.
    Other(String),
}

impl MediaKind {
    /// The kind as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Image => "image",
            Self::Other(name) => name,
        }
    }
}

/// Who may send (RFC 3264, 5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MediaDirection {
    /// Both sides.
    #[default]
    SendRecv,
    /// This side alone.
    SendOnly,
    /// The other side alone.
    RecvOnly,
    /// Nobody.
    Inactive,
}

impl MediaDirection {
    /// The direction as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

/// Key parameters of `a=crypto`, as they stand there; secret.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyParameters(pub Box<[u8]>);

// Keys must not reach a log by way of `{:?}`.
impl std::fmt::Debug for KeyParameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyParameters(..)")
    }
}

/// What the checks of ICE are signed with; secret.
#[derive(Clone, PartialEq, Eq)]
pub struct IcePassword(pub Box<[u8]>);

impl std::fmt::Debug for IcePassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IcePassword(..)")
    }
}

/// What fax over UDPTL is to be like (ITU-T T.38, annex D).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct T38Parameters {
    /// `T38FaxVersion`.
    pub version: u8,
    /// `T38MaxBitRate`, in bit/s.
    pub max_bit_rate: Option<u32>,
    /// `T38FaxRateManagement`: who checks the training, as written.
    pub rate_management: Option<String>,
    /// `T38FaxMaxDatagram`, in octets.
    pub max_datagram: Option<u32>,
    /// `T38FaxUdpEC`: how losses are made good, as written.
    pub error_correction: Option<String>,
}

/// One medium.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaDescription {
    /// What it is.
    pub kind: MediaKind,
    /// Where it is received; 0 refuses the medium (RFC 3264, 6).
    pub port: u16,
    /// `RTP/AVP`, `UDP/TLS/RTP/SAVPF`, `udptl`, as written.
    pub protocol: String,
    /// Payload types, where the formats are such.
    pub payload_types: SmallVec<[u8; 8]>,
    /// `c=` of the medium or of the session.
    pub connection: Option<IpAddr>,
    /// Who may send, if it is said.
    pub direction: Option<MediaDirection>,
    /// `a=rtpmap`.
    pub rtpmaps: SmallVec<[RtpMap; 4]>,
    /// Milliseconds of sound in a packet.
    pub ptime_ms: Option<u32>,
    /// `a=rtcp` (RFC 3605): where reports are received.
    pub rtcp: Option<(u16, Option<IpAddr>)>,
    /// `a=rtcp-mux` (RFC 5761).
    pub rtcp_mux: bool,
    /// `a=candidate` (RFC 8839).
    pub candidates: Vec<Candidate>,
    /// Suites of `a=crypto` (RFC 4568).
    pub crypto: Vec<String>,
    /// Keys of `a=crypto`, one for each suite.
    pub keys: Vec<KeyParameters>,
    /// `a=fingerprint` (RFC 8122): the media are keyed by DTLS.
    pub fingerprint: Option<String>,
    /// `a=ice-ufrag`.
    pub ice_ufrag: Option<String>,
    /// `a=ice-pwd`.
    pub ice_password: Option<IcePassword>,
    /// `a=ice-lite` (RFC 8839, 5.3): this side answers checks and makes none.
    pub is_ice_lite: bool,
    /// `ice2` among `a=ice-options` (RFC 8445, 10): one nomination, never several.
    pub has_ice2: bool,
    /// `trickle` among `a=ice-options` (RFC 8840, 4.1): candidates may follow.
    pub has_trickle: bool,
    /// `a=end-of-candidates` (RFC 8840, 8): none follow.
    pub has_all_candidates: bool,
    /// `a=ice-mismatch` (RFC 8839, 5.3): the offer came with other addresses than
    /// its candidates.
    pub ice_mismatch: bool,
    /// `a=mid`.
    pub mid: Option<String>,
    /// `a=path` (RFC 4975, 8): URIs of MSRP, the own one last.
    pub msrp_path: Option<String>,
    /// `a=T38...` (ITU-T T.38, annex D).
    pub t38: Option<Box<T38Parameters>>,
    /// Whether it has more attributes of one kind than are kept.
    pub is_cut: bool,
}

impl MediaDescription {
    pub(super) fn parse(value: &[u8], session: &Self) -> Option<Self> {
        let text = octets::text(value);
        let mut words = text.split_ascii_whitespace();
        let kind = match words.next()? {
            "audio" => MediaKind::Audio,
            "video" => MediaKind::Video,
            "image" => MediaKind::Image,
            other => MediaKind::Other(other.to_owned()),
        };
        let port = words.next()?.split('/').next()?.parse().ok()?;
        let protocol = words.next()?.to_owned();
        let mut numbers = words
            .filter_map(|word| word.parse().ok())
            .filter(|&payload_type: &u8| payload_type < 128);
        let payload_types = numbers.by_ref().take(MAX_ATTRIBUTES).collect();
        let is_cut = numbers.next().is_some();
        Some(Self {
            kind,
            port,
            protocol,
            payload_types,
            is_cut,
            connection: session.connection,
            direction: session.direction,
            ptime_ms: session.ptime_ms,
            fingerprint: session.fingerprint.clone(),
            ice_ufrag: session.ice_ufrag.clone(),
            ice_password: session.ice_password.clone(),
            is_ice_lite: session.is_ice_lite,
            has_ice2: session.has_ice2,
            has_trickle: session.has_trickle,
            has_all_candidates: session.has_all_candidates,
            ..Self::default()
        })
    }

    /// Where the medium is received; `None` where it is refused or held by the
    /// address of RFC 2543.
    #[must_use]
    pub fn endpoint(&self) -> Option<Endpoint> {
        let ip = self.connection?;
        (self.port != 0 && !ip.is_unspecified()).then(|| Endpoint::new(ip, self.port))
    }

    /// Where reports are received (RFC 3605, RFC 3550 section 11).
    #[must_use]
    pub fn rtcp_endpoint(&self) -> Option<Endpoint> {
        let media = self.endpoint()?;
        match self.rtcp {
            Some((port, ip)) => Some(Endpoint::new(ip.unwrap_or(media.ip), port)),
            None => Some(Endpoint::new(media.ip, media.port.checked_add(1)?)),
        }
    }

    /// Whether the medium is RTP, plain or encrypted.
    #[must_use]
    pub fn is_rtp(&self) -> bool {
        self.protocol.contains("RTP/")
    }

    /// Whether the medium is fax in datagrams (ITU-T T.38), not encrypted.
    #[must_use]
    pub fn is_udptl(&self) -> bool {
        self.protocol.eq_ignore_ascii_case("udptl")
    }

    /// Whether the payload is encrypted.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.protocol.contains("SAVP") || self.fingerprint.is_some()
    }

    /// Who may send; both where nothing is said. An address of zero is the
    /// hold of RFC 2543: nothing may be sent to it. With port 9 it is that of ICE whose
    /// candidates follow (RFC 8840, 4.1).
    #[must_use]
    pub fn effective_direction(&self) -> MediaDirection {
        let said = self.direction.unwrap_or_default();
        let follows = self.port == 9 && self.ice_ufrag.is_some();
        if !follows && self.connection.is_some_and(|ip| ip.is_unspecified()) {
            match said {
                MediaDirection::SendRecv | MediaDirection::SendOnly => MediaDirection::SendOnly,
                MediaDirection::RecvOnly | MediaDirection::Inactive => MediaDirection::Inactive,
            }
        } else {
            said
        }
    }

    /// The codec of a payload type, by its `rtpmap` or by RFC 3551.
    #[must_use]
    pub fn codec(&self, payload_type: u8) -> Option<RtpMap> {
        self.rtpmaps
            .iter()
            .find(|map| map.payload_type == payload_type)
            .cloned()
            .or_else(|| RtpMap::of_static(payload_type))
    }

    /// The payload type of `telephone-event` (RFC 4733).
    #[must_use]
    pub fn dtmf_payload_type(&self) -> Option<u8> {
        self.rtpmaps
            .iter()
            .find(|map| map.is_telephone_event())
            .map(|map| map.payload_type)
    }

    /// Whether this and `other` describe the same medium, the version of the
    /// origin aside.
    #[must_use]
    pub fn same_transport(&self, other: &Self) -> bool {
        self.port == other.port
            && self.connection == other.connection
            && self.kind == other.kind
            && self.protocol == other.protocol
    }
}

/// Whether two origins name the same session and version.
#[must_use]
pub fn same_version(a: Option<&Origin>, b: Option<&Origin>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            a.session_id == b.session_id && a.session_version == b.session_version
        }
        _ => false,
    }
}
