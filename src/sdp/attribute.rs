//! `a=` lines (RFC 8866, 6).

use std::net::IpAddr;

use super::MAX_ATTRIBUTES;
use super::media::{IcePassword, KeyParameters, MediaDescription, MediaDirection, T38Parameters};
use crate::net::Endpoint;
use crate::octets;

/// `a=rtpmap`: what a payload type stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpMap {
    /// The number in the RTP header.
    pub payload_type: u8,
    /// The name, as written.
    pub encoding: String,
    /// Ticks of the timestamp in a second.
    pub clock_rate: u32,
}

impl RtpMap {
    /// The static assignments of RFC 3551, 6.
    #[must_use]
    pub fn of_static(payload_type: u8) -> Option<Self> {
        let (encoding, clock_rate) = match payload_type {
            0 => ("PCMU", 8000),
            3 => ("GSM", 8000),
            4 => ("G723", 8000),
            5 => ("DVI4", 8000),
            6 => ("DVI4", 16000),
            7 => ("LPC", 8000),
            8 => ("PCMA", 8000),
            9 => ("G722", 8000),
            10 | 11 => ("L16", 44100),
            12 => ("QCELP", 8000),
            13 => ("CN", 8000),
            14 => ("MPA", 90000),
            15 => ("G728", 8000),
            16 => ("DVI4", 11025),
            17 => ("DVI4", 22050),
            18 => ("G729", 8000),
            25 => ("CelB", 90000),
            26 => ("JPEG", 90000),
            28 => ("nv", 90000),
            31 => ("H261", 90000),
            32 => ("MPV", 90000),
            33 => ("MP2T", 90000),
            34 => ("H263", 90000),
            _ => return None,
        };
        Some(Self {
            payload_type,
            encoding: encoding.to_owned(),
            clock_rate,
        })
    }

    /// Whether it carries digits (RFC 4733).
    #[must_use]
    pub fn is_telephone_event(&self) -> bool {
        self.encoding.eq_ignore_ascii_case("telephone-event")
    }

    /// Whether it is comfort noise (RFC 3389).
    #[must_use]
    pub fn is_comfort_noise(&self) -> bool {
        self.encoding.eq_ignore_ascii_case("CN")
    }
}

/// `a=candidate` (RFC 8839, 5.1): an address that ICE may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Candidates of one kind, base and server have the same.
    pub foundation: String,
    /// 1 for RTP, 2 for RTCP.
    pub component_id: u8,
    /// The address; `None` behind an mDNS name.
    pub endpoint: Option<Endpoint>,
    /// What stands in place of an address.
    pub host_name: Option<String>,
    /// How much its owner likes it (RFC 8445, 5.1.2).
    pub priority: u32,
    /// `host`, `srflx`, `prflx` or `relay`, as written.
    pub kind: String,
    /// Whether it is reached by UDP.
    pub is_udp: bool,
    /// Whether it says what it stands for, if only that it does not tell.
    pub has_related: bool,
    /// What it stands for (`raddr`, `rport`): the inside of a reflexive one.
    pub related: Option<Endpoint>,
}

/// The port that stands for one that isn't known yet (RFC 6544, 4.5).
const DISCARD: u16 = 9;

impl Candidate {
    /// Whether its owner only opens connections from there, from a port that isn't known
    /// before (RFC 6544, 4.5).
    #[must_use]
    pub fn is_active(&self) -> bool {
        !self.is_udp && self.endpoint.is_some_and(|own| own.port == DISCARD)
    }

    /// Where others reach it.
    #[must_use]
    pub fn reached_at(&self) -> Option<Endpoint> {
        self.endpoint.filter(|_| !self.is_active())
    }
}

/// Applies one attribute; says whether it could be read.
pub(super) fn apply(media: &mut MediaDescription, line: &[u8]) -> bool {
    let (name, value) = match memchr::memchr(b':', line) {
        Some(at) => (
            octets::span(line, 0, at),
            octets::from(line, at.saturating_add(1)),
        ),
        None => (line, &b""[..]),
    };
    match name {
        b"sendrecv" => media.direction = Some(MediaDirection::SendRecv),
        b"sendonly" => media.direction = Some(MediaDirection::SendOnly),
        b"recvonly" => media.direction = Some(MediaDirection::RecvOnly),
        b"inactive" => media.direction = Some(MediaDirection::Inactive),
        b"rtcp-mux" => media.rtcp_mux = true,
        b"rtpmap" => match rtpmap(value) {
            Some(map) => media.is_cut |= !keep(&mut media.rtpmaps, map),
            None => return false,
        },
        b"ptime" => match octets::decimal(value.trim_ascii()) {
            Some(ptime @ 1..=10_000) => media.ptime_ms = u32::try_from(ptime).ok(),
            _ => return false,
        },
        b"rtcp" => {
            let text = octets::text(value);
            let mut words = text.split_ascii_whitespace();
            let Some(port) = words.next().and_then(|port| port.parse().ok()) else {
                return false;
            };
            media.rtcp = Some((port, words.nth(2).and_then(|ip| ip.parse().ok())));
        }
        b"candidate" => match candidate(value) {
            Some(candidate) => media.is_cut |= !keep(&mut media.candidates, candidate),
            None => return false,
        },
        b"crypto" => {
            let text = octets::text(value);
            let mut words = text.split_ascii_whitespace().skip(1);
            let Some(suite) = words.next() else {
                return false;
            };
            let parameters = words.next().unwrap_or_default().as_bytes();
            let parameters = octets::span(parameters, 0, MAX_KEY_PARAMETERS);
            media.is_cut |= !keep(&mut media.crypto, suite.to_owned())
                || !keep(&mut media.keys, KeyParameters(parameters.into()));
        }
        b"fingerprint" => media.fingerprint = Some(octets::text(value.trim_ascii())),
        b"ice-ufrag" => media.ice_ufrag = Some(octets::text(value.trim_ascii())),
        b"ice-pwd" => {
            let password = octets::span(value.trim_ascii(), 0, MAX_PASSWORD);
            media.ice_password = Some(IcePassword(password.into()));
        }
        b"ice-lite" => media.is_ice_lite = true,
        b"ice-options" => {
            let mut options = value.split(u8::is_ascii_whitespace);
            media.has_ice2 |= options.clone().any(|option| option == b"ice2");
            media.has_trickle |= options.any(|option| option == b"trickle");
        }
        b"end-of-candidates" => media.has_all_candidates = true,
        b"ice-mismatch" => media.ice_mismatch = true,
        name if octets::span(name, 0, 3).eq_ignore_ascii_case(b"T38") => {
            return t38(
                media.t38.get_or_insert_default(),
                &name.to_ascii_lowercase(),
                value,
            );
        }
        b"path" => {
            media.msrp_path = Some(octets::text(octets::span(value.trim_ascii(), 0, MAX_PATH)));
        }
        b"mid" => media.mid = Some(octets::text(value.trim_ascii())),
        _ => {}
    }
    true
}

/// Takes what is said of fax; what takes no value may be there alone.
fn t38(own: &mut T38Parameters, name: &[u8], value: &[u8]) -> bool {
    let number = || octets::decimal(value.trim_ascii());
    let word = || octets::text(octets::span(value.trim_ascii(), 0, MAX_WORD));
    match name {
        b"t38faxversion" => match number().map(u8::try_from) {
            Some(Ok(version)) => own.version = version,
            _ => return false,
        },
        b"t38maxbitrate" => own.max_bit_rate = number().and_then(|rate| u32::try_from(rate).ok()),
        b"t38faxmaxdatagram" => {
            own.max_datagram = number().and_then(|octets| u32::try_from(octets).ok());
        }
        b"t38faxratemanagement" => own.rate_management = Some(word()),
        b"t38faxudpec" => own.error_correction = Some(word()),
        _ => {}
    }
    true
}

/// The longest path of MSRP that is kept.
const MAX_PATH: usize = 1024;

/// The longest word of T.38 that is kept.
const MAX_WORD: usize = 64;

/// The longest key parameters that are kept: several keys with their identifiers.
const MAX_KEY_PARAMETERS: usize = 512;

/// The longest password of ICE (RFC 8839, 5.4).
const MAX_PASSWORD: usize = 256;

/// Keeps an attribute if there is room, and says whether there was.
fn keep<T>(kept: &mut (impl Extend<T> + AsRef<[T]>), attribute: T) -> bool {
    let room = kept.as_ref().len() < MAX_ATTRIBUTES;
    if room {
        kept.extend([attribute]);
    }
    room
}

fn rtpmap(value: &[u8]) -> Option<RtpMap> {
    let text = octets::text(value);
    let mut words = text.split_ascii_whitespace();
    let payload_type = words
        .next()?
        .parse()
        .ok()
        .filter(|&number: &u8| number < 128)?;
    let mut parts = words.next()?.split('/');
    let encoding = parts.next().filter(|name| !name.is_empty())?.to_owned();
    let clock_rate = parts.next()?.parse().ok().filter(|&rate| rate > 0)?;
    Some(RtpMap {
        payload_type,
        encoding,
        clock_rate,
    })
}

fn candidate(value: &[u8]) -> Option<Candidate> {
    let text = octets::text(value);
    let mut rest = text.split_ascii_whitespace();
    let words: Vec<&str> = rest.by_ref().take(8).collect();
    let after = |name: &str| {
        let mut rest = rest.clone();
        rest.by_ref().find(|word| *word == name)?;
        rest.next()
    };
    let related = || {
        let ip: IpAddr = after("raddr")?.parse().ok()?;
        let port = after("rport")?.parse().ok()?;
        (!ip.is_unspecified()).then(|| Endpoint::new(ip, port))
    };
    let related = { related }();
    let has_related = after("raddr").is_some();
    let &[
        foundation,
        component,
        transport,
        priority,
        address,
        port,
        _,
        kind,
    ] = words.as_slice()
    else {
        return None;
    };
    let port = port.parse().ok()?;
    let ip: Option<IpAddr> = address.parse().ok();
    Some(Candidate {
        foundation: foundation.to_owned(),
        priority: priority.parse().unwrap_or_default(),
        component_id: component.parse().ok()?,
        endpoint: ip.map(|ip| Endpoint::new(ip, port)),
        host_name: ip.is_none().then(|| address.to_owned()),
        kind: kind.to_owned(),
        is_udp: transport.eq_ignore_ascii_case("udp"),
        has_related,
        related,
    })
}
