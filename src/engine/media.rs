//! Flows, streams, and the map from addresses to calls that ties them.

mod binding;
mod packets;
mod rtcp;
mod secured;

pub(super) use secured::Secured;

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::limits::Limits;
use super::rtp_stream::{Membership, RtpStream};
use super::session::{Address, AddressRole, Session, Side};
use super::table::{Entry, Handle, Table};
use crate::link::{IcmpError, Network};
use crate::net::{Endpoint, Flow, Transport};
use crate::packet::{CapturePoint, PacketRef};
use crate::sdp::IcePassword;
use crate::srtp::Master;
use crate::time::{MILLISECOND, Timestamp};

/// A directed flow at a capture point, packed for one quick hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FlowKey {
    /// IPv4 addresses in the form of IPv6, high half and low half.
    src: [u64; 2],
    dst: [u64; 2],
    /// Both ports, the stretch and the capture point, 16 bits each.
    rest: u64,
}

impl Hash for FlowKey {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.rest);
        let ([high, low], [other_high, other_low]) = (self.src, self.dst);
        let is_v4 = high | other_high == 0 && low >> 32 == 0xffff && other_low >> 32 == 0xffff;
        if is_v4 {
            // Both addresses fit one word.
            state.write_u64(low << 32 | other_low & 0xffff_ffff);
        } else {
            state.write_u64(high);
            state.write_u64(low);
            state.write_u64(other_high);
            state.write_u64(other_low);
        }
    }
}

impl FlowKey {
    #[inline]
    fn of(capture_point: CapturePoint, stretch: u16, flow: Flow) -> Self {
        let bits = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => [0, u64::from(u32::from(ip)) | (0xffff << 32)],
            IpAddr::V6(ip) => {
                let [high @ .., _, _, _, _, _, _, _, _] = ip.octets();
                let [_, _, _, _, _, _, _, _, low @ ..] = ip.octets();
                [u64::from_be_bytes(high), u64::from_be_bytes(low)]
            }
        };
        let ports = u64::from(flow.src.port) << 16 | u64::from(flow.dst.port);
        Self {
            src: bits(flow.src.ip),
            dst: bits(flow.dst.ip),
            rest: ports << 32 | u64::from(stretch) << 16 | u64::from(capture_point.0),
        }
    }
}

/// A flow whose payload has the shape of RTP.
#[derive(Debug, Default)]
struct MediaFlow {
    last: Timestamp,
    /// The last packet that belongs to no stream yet.
    waiting: Option<Box<Waiting>>,
    streams: SmallVec<[(u32, Handle); 1]>,
    membership: Option<Membership>,
    dtls: bool,
}

impl Entry for MediaFlow {
    fn last_seen(&self) -> Timestamp {
        self.last
    }

    fn rank(&self) -> u8 {
        u8::from(!self.streams.is_empty())
    }
}

/// One packet that may be the first of a stream.
#[derive(Debug)]
struct Waiting {
    at: PacketRef,
    network: Network,
    payload_type: u8,
    sequence_number: u16,
    timestamp: u32,
    ssrc: u32,
    length: usize,
    /// The packet itself, where a key without a session may open it.
    octets: Option<Box<[u8]>>,
}

/// An address that a call claims.
#[derive(Clone, Copy, Debug)]
struct Claim {
    call: Handle,
    side: Side,
    media: u8,
    role: AddressRole,
}

/// A user fragment of ICE that a call claims.
#[derive(Debug)]
struct Fragment {
    call: Handle,
    side: Side,
    media: u8,
    password: Option<IcePassword>,
}

/// Flows, streams, and who claims which address.
#[derive(Debug)]
pub(super) struct Media {
    flows: Table<FlowKey, MediaFlow>,
    streams: Table<u64, RtpStream>,
    claims: HashMap<Endpoint, SmallVec<[Claim; 2]>, RandomState>,
    ufrags: HashMap<String, Fragment, RandomState>,
    /// Whose session of MSRP, by its URI.
    msrp: HashMap<String, (Handle, Side, u8), RandomState>,
    by_ssrc: HashMap<u32, SmallVec<[Handle; 2]>, RandomState>,
    /// Flows with streams that belong to no call, by where they go.
    unclaimed: HashMap<Endpoint, SmallVec<[Handle; 1]>, RandomState>,
    /// How many of the claims are for fax.
    fax_claims: usize,
    /// Keys of SRTP that DTLS gave, by the flow that they protect.
    pub(super) dtls_keys: HashMap<(CapturePoint, Flow), Master, RandomState>,
    next_stream: u64,
    limits: Limits,
}

/// Whether RTP is received at such an address.
pub(super) const fn is_rtp(role: AddressRole) -> bool {
    matches!(role, AddressRole::Rtp | AddressRole::Candidate)
}

/// Whether fax is.
pub(super) const fn is_fax(role: AddressRole) -> bool {
    matches!(role, AddressRole::Udptl)
}

/// Sequence numbers between the first two packets of a stream; a source of the
/// same 32-bit number is one, even after a long loss.
const MAX_FIRST_STEP: u16 = 512;

impl Media {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            flows: Table::new(limits.flows),
            streams: Table::new(limits.streams),
            claims: HashMap::default(),
            ufrags: HashMap::default(),
            msrp: HashMap::default(),
            by_ssrc: HashMap::default(),
            unclaimed: HashMap::default(),
            fax_claims: 0,
            dtls_keys: HashMap::default(),
            next_stream: 0,
            limits: *limits,
        }
    }

    pub(super) fn bytes_held(&self) -> usize {
        self.flows.len() * (size_of::<MediaFlow>() + 120)
            + self.streams.len() * (size_of::<RtpStream>() + 64)
            + self.claims.len() * 160
            + self.ufrags.len() * 200
            + self.msrp.len() * 250
            + self.unclaimed.len() * 80
            + self.dtls_keys.len() * 240
    }

    pub(super) fn stream(&self, handle: Handle) -> Option<&RtpStream> {
        self.streams.get(handle)
    }

    pub(super) fn in_order(&self) -> Vec<Handle> {
        self.streams.in_order(|stream| stream.serial)
    }

    /// Streams outside any call that went silent; a part of them at a time.
    pub(super) fn idle_streams(&mut self, now: Timestamp, idle: i64) -> Vec<Handle> {
        let part = self.streams.round() / 8 + 64;
        let mut handles = self.streams.scan(part);
        handles.retain(|&handle| {
            self.streams
                .get(handle)
                .is_some_and(|stream| stream.membership.is_none() && now.since(stream.last) > idle)
        });
        handles
    }

    pub(super) fn remove_stream(&mut self, handle: Handle) -> Option<RtpStream> {
        let stream = self.streams.remove(handle)?;
        if let Some(same) = self.by_ssrc.get_mut(&stream.ssrc) {
            same.retain(|known| *known != handle);
            if same.is_empty() {
                self.by_ssrc.remove(&stream.ssrc);
            }
        }
        let key = FlowKey::of(stream.capture_point, stream.stretch, stream.flow);
        if let Some(flow) = self.flows.find(&key)
            && let Some(known) = self.flows.get_mut(flow)
        {
            known.streams.retain(|(_, known)| *known != handle);
            if known.streams.is_empty() {
                known.membership = None;
                if let Some(waiting) = self.unclaimed.get_mut(&stream.flow.dst) {
                    waiting.retain(|known| *known != flow);
                    if waiting.is_empty() {
                        self.unclaimed.remove(&stream.flow.dst);
                    }
                }
                self.flows.remove(flow);
            }
        }
        Some(stream)
    }

    /// A call claims an address. Says whether nothing had to give way.
    pub(super) fn claim(&mut self, call: Handle, address: &Address) -> bool {
        if self.claims.len() >= self.limits.flows && !self.claims.contains_key(&address.endpoint) {
            return false;
        }
        let claims = self.claims.entry(address.endpoint).or_default();
        let room = claims.len() < self.limits.claims_per_address;
        if !room {
            let gone = claims.remove(0);
            self.fax_claims -= usize::from(is_fax(gone.role));
        }
        self.fax_claims += usize::from(is_fax(address.role));
        claims.push(Claim {
            call,
            side: address.side,
            media: address.media,
            role: address.role,
        });
        room
    }

    /// Whether any call takes fax anywhere.
    pub(super) const fn takes_fax(&self) -> bool {
        self.fax_claims > 0
    }

    /// Whose user fragment of ICE this is.
    pub(super) fn ufrag(&self, fragment: &str) -> Option<(Handle, Side, u8)> {
        let claim = self.ufrags.get(fragment)?;
        Some((claim.call, claim.side, claim.media))
    }

    /// What is asked of who has a user fragment must be signed with this.
    pub(super) fn ice_password(&self, fragment: &str) -> Option<&[u8]> {
        let password = self.ufrags.get(fragment)?.password.as_ref()?;
        Some(&password.0)
    }

    /// The latest call that claims an address.
    pub(super) fn claimant(&self, endpoint: Endpoint) -> Option<Handle> {
        self.claims.get(&endpoint)?.last().map(|claim| claim.call)
    }

    /// A call claims a user fragment of ICE. Says whether there was room.
    pub(super) fn claim_ufrag(
        &mut self,
        ufrag: String,
        call: Handle,
        side: Side,
        media: u8,
        password: Option<IcePassword>,
    ) -> bool {
        let room = self.ufrags.len() < self.limits.flows || self.ufrags.contains_key(&ufrag);
        if room {
            self.ufrags.entry(ufrag).or_insert(Fragment {
                call,
                side,
                media,
                password,
            });
        }
        room
    }

    /// Whose session of MSRP this is.
    pub(super) fn msrp_session(&self, session: &str) -> Option<(Handle, Side, u8)> {
        self.msrp.get(session).copied()
    }

    /// A call claims a session of MSRP. Says whether there was room.
    pub(super) fn claim_msrp(
        &mut self,
        session: String,
        call: Handle,
        side: Side,
        media: u8,
    ) -> bool {
        let room = self.msrp.len() < self.limits.flows || self.msrp.contains_key(&session);
        if room {
            self.msrp.entry(session).or_insert((call, side, media));
        }
        room
    }

    /// A call is gone, and its claims with it.
    pub(super) fn release(&mut self, call: Handle, session: &Session) {
        for address in &session.addresses {
            if let Some(claims) = self.claims.get_mut(&address.endpoint) {
                claims.retain(|claim| {
                    let is_gone = claim.call == call;
                    self.fax_claims -= usize::from(is_gone && is_fax(claim.role));
                    !is_gone
                });
                if claims.is_empty() {
                    self.claims.remove(&address.endpoint);
                }
            }
        }
        if !self.msrp.is_empty() && session.has_msrp() {
            self.msrp.retain(|_, (owner, ..)| *owner != call);
        }
        for epoch in &session.epochs {
            for description in [Some(&epoch.offer), epoch.answer.as_ref()]
                .into_iter()
                .flatten()
            {
                for ufrag in description
                    .media
                    .iter()
                    .filter_map(|media| media.ice_ufrag.as_ref())
                {
                    if self
                        .ufrags
                        .get(ufrag)
                        .is_some_and(|claim| claim.call == call)
                    {
                        self.ufrags.remove(ufrag);
                    }
                }
            }
        }
    }

    pub(super) fn mark_dtls(&mut self, capture_point: CapturePoint, stretch: u16, flow: Flow) {
        for flow in [flow, flow.reversed()] {
            if let Some(known) = self.flows.find(&FlowKey::of(capture_point, stretch, flow))
                && let Some(known) = self.flows.get_mut(known)
            {
                known.dtls = true;
                for (_, stream) in &known.streams {
                    if let Some(stream) = self.streams.get_mut(*stream) {
                        stream.encrypted = true;
                    }
                }
            }
        }
    }

    /// The streams of a flow.
    pub(super) fn streams_of(
        &self,
        point: CapturePoint,
        stretch: u16,
        flow: Flow,
    ) -> SmallVec<[Handle; 2]> {
        let found = self.flows.find(&FlowKey::of(point, stretch, flow));
        let flow = found.and_then(|handle| self.flows.get(handle));
        flow.into_iter()
            .flat_map(|flow| flow.streams.iter().map(|(_, stream)| *stream))
            .collect()
    }

    /// An ICMP error that quotes media. Says whether it does.
    pub(super) fn icmp(&mut self, at: PacketRef, error: &IcmpError<'_>) -> bool {
        if error.quoted.transport != Transport::Udp {
            return false;
        }
        // RTCP BYE to a port that is closed already: every hang-up has it.
        let is_rtcp = self
            .claims
            .get(&error.quoted.dst)
            .is_some_and(|claims| claims.iter().any(|claim| claim.role == AddressRole::Rtcp));
        if is_rtcp {
            return true;
        }
        let Some(flow) = self
            .flows
            .find(&FlowKey::of(at.capture_point, 0, error.quoted))
        else {
            return false;
        };
        let Some(flow) = self.flows.get(flow) else {
            return false;
        };
        let mut found = false;
        for (_, stream) in &flow.streams {
            if let Some(stream) = self.streams.get_mut(*stream) {
                // One that is captured twice comes again at once.
                let last = stream.last_icmp_error.replace(at.timestamp);
                if last.is_none_or(|last| at.timestamp.since(last) >= MILLISECOND) {
                    stream.icmp_errors += 1;
                }
                found = true;
            }
        }
        found
    }

    /// Ties a new stream to those of the same packets at other points. Says
    /// whether there was room.
    fn tie_same(&mut self, handle: Handle, sequence_number: u16) -> bool {
        let places = self.limits.places;
        let Some(stream) = self.streams.get(handle) else {
            return true;
        };
        let (serial, ssrc, at) = (stream.serial, stream.ssrc, stream.first.timestamp);
        let place = (stream.capture_point, stream.stretch);
        let payload_type = stream.payload_types.first().map(|(kind, _)| *kind);
        let others: SmallVec<[Handle; 2]> = self
            .by_ssrc
            .get(&ssrc)
            .map(|same| {
                same.iter()
                    .copied()
                    .filter(|other| *other != handle)
                    .collect()
            })
            .unwrap_or_default();
        let mut room = true;
        for other in others {
            let Some(known) = self.streams.get_mut(other) else {
                continue;
            };
            let near = known.expects_about(sequence_number);
            let same_kind = known
                .payload_types
                .iter()
                .any(|(kind, _)| Some(*kind) == payload_type);
            let at_once = at.since(known.last).abs() < 5 * crate::time::SECOND;
            if (known.capture_point, known.stretch) == place || !near || !same_kind || !at_once {
                continue;
            }
            room &= known.tie_same(serial, places);
            let known = known.serial;
            if let Some(stream) = self.streams.get_mut(handle) {
                room &= stream.tie_same(known, places);
            }
        }
        room
    }
}
