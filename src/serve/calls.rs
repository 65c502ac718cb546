//! Calls that are answered, rung, refused, redirected or challenged: the user part
//! says which (RFC 3261, 13.3).

use std::net::IpAddr;

use super::echo::Echo;
use super::sip::Peer;
use crate::net::Endpoint;
use crate::sdp::build::Audio;
use crate::sdp::{MediaDescription, MediaKind, SessionDescription};
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// Calls at once; each has ports of its own.
pub(super) const MAX_CALLS: usize = 8;
/// How long somebody who answers late rings.
const RINGS_NS: i64 = 2 * SECOND;
/// A final response is repeated so soon, and at most so often (RFC 3261, 13.3.1.4).
const FIRST_NS: i64 = 500 * MILLISECOND;
const SLOWEST_NS: i64 = 4 * SECOND;
/// What is not acknowledged by then is over (64 times T1).
const UNHEARD_NS: i64 = 32 * SECOND;
/// A call of which nothing is heard for so long is over.
const IDLE_NS: i64 = 120 * SECOND;

/// How a user takes calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Rings, and answers after so long; with the media before, if so.
    Answer { after_ns: i64, early: bool },
    /// Rings, and never answers.
    Ring,
    /// Refuses.
    Refuse(u16),
    /// Sends elsewhere.
    Redirect,
    /// Answers who knows the password.
    Challenge,
}

impl Manner {
    pub(super) fn of(user: &[u8]) -> Self {
        let answer = |after_ns, early| Self::Answer { after_ns, early };
        match user {
            b"echo" => answer(0, false),
            b"slow" => answer(RINGS_NS, false),
            b"early" => answer(RINGS_NS, true),
            b"ring" => Self::Ring,
            b"busy" => Self::Refuse(486),
            b"decline" => Self::Refuse(603),
            b"moved" => Self::Redirect,
            b"secret" => Self::Challenge,
            _ => Self::Refuse(404),
        }
    }
}

/// A response that is repeated until it is acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Repeated {
    pub octets: Vec<u8>,
    next: Timestamp,
    pause: i64,
    until: Timestamp,
}

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    pub call_id: Vec<u8>,
    pub branch: Vec<u8>,
    pub tag: String,
    pub peer: Peer,
    /// Which pair of ports is its own.
    pub slot: usize,
    pub echo: Echo,
    pub description: String,
    /// The INVITE, to be answered later.
    pub invite: Vec<u8>,
    /// What was answered last.
    pub last: Vec<u8>,
    /// When it is answered; never, where it only rings.
    pub answer_at: Option<Timestamp>,
    /// The final response.
    pub repeated: Option<Repeated>,
    pub is_answered: bool,
}

impl Call {
    /// A call that rings; `None` where what is offered can't be taken.
    pub(super) fn new(
        now: Timestamp,
        peer: Peer,
        (slot, ports): (usize, (Endpoint, u16)),
        offer: Option<&[u8]>,
        rng: &mut fastrand::Rng,
    ) -> Option<Self> {
        let offered = match offer {
            Some(offer) => Some(audio(offer)?),
            None => None,
        };
        let media_ip = offered.as_ref().and_then(|own| own.connection);
        let allowed: [IpAddr; 2] = [media_ip.unwrap_or(peer.from.ip), peer.from.ip];
        let types = offered.as_ref().map_or_else(|| vec![0, 8], law_types);
        let dtmf = match &offered {
            Some(offered) => offered.dtmf_payload_type(),
            None => Some(101),
        };
        let (rtp, rtcp_port) = ports;
        let description = Audio {
            session: rng.u32(1..),
            ip: rtp.ip,
            port: rtp.port,
            rtcp_port,
            payload_types: types,
            dtmf,
        };
        Some(Self {
            call_id: Vec::new(),
            branch: Vec::new(),
            tag: super::word(rng),
            peer,
            slot,
            echo: Echo::new(now, allowed, rng),
            description: description.written(),
            invite: Vec::new(),
            last: Vec::new(),
            answer_at: None,
            repeated: None,
            is_answered: false,
        })
    }

    /// Ends the INVITE: what is repeated until it is acknowledged.
    pub(super) fn finish(&mut self, now: Timestamp, octets: Vec<u8>) {
        self.answer_at = None;
        self.last.clone_from(&octets);
        self.repeated = Some(Repeated {
            octets,
            next: now.offset(FIRST_NS),
            pause: FIRST_NS,
            until: now.offset(UNHEARD_NS),
        });
    }

    /// When something is due.
    pub(super) fn due(&self) -> Timestamp {
        let over = match self.is_over_at() {
            (over, Some(next)) => over.min(next),
            (over, None) => over,
        };
        self.answer_at.map_or(over, |own| own.min(over))
    }

    fn is_over_at(&self) -> (Timestamp, Option<Timestamp>) {
        match &self.repeated {
            Some(own) => (own.until, Some(own.next)),
            None => (self.echo.last.offset(IDLE_NS), None),
        }
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.is_over_at().0 <= now
    }

    /// The final response once more, if it is time. A stream repeats by itself.
    pub(super) fn repeat(&mut self, now: Timestamp) -> Option<Vec<u8>> {
        let own = self.repeated.as_mut().filter(|own| own.next <= now)?;
        own.pause = own.pause.saturating_mul(2).min(SLOWEST_NS);
        own.next = now.offset(own.pause);
        Some(own.octets.clone())
    }
}

/// The first audio of G.711 that is offered.
fn audio(offer: &[u8]) -> Option<MediaDescription> {
    let mut media = SessionDescription::parse(offer).media.into_iter();
    media.find(|own| {
        let is_plain = own.is_rtp() && !own.is_secure() && own.port != 0;
        own.kind == MediaKind::Audio && is_plain && !law_types(own).is_empty()
    })
}

/// Payload types of G.711 of an offer: one is answered.
fn law_types(offered: &MediaDescription) -> Vec<u8> {
    let all = offered.payload_types.iter().copied();
    all.filter(|own| matches!(own, 0 | 8)).take(1).collect()
}
