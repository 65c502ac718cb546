//! RTP, RTCP and connectivity checks on their way into streams, and the map
//! from addresses to calls that ties them.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::limits::{Limit, Limits};
use super::rtp_stream::{Association, Membership, RtpStream, Silence, Trial};
use super::session::{Address, AddressRole, Session, Side};
use super::table::{Entry, Handle, Table};
use super::{Call, Engine};
use crate::link::{Datagram, IcmpError, Network};
use crate::net::{Endpoint, Flow, Transport};
use crate::packet::{CapturePoint, PacketRef};
use crate::rtp::dtmf::TelephoneEvent;
use crate::rtp::rtcp::{self, RtcpPacket};
use crate::rtp::{RtpPacket, looks_like_rtcp};
use crate::sdp::RtpMap;
use crate::stun::StunMessage;
use crate::time::Timestamp;

/// A directed flow at a capture point, packed for one quick hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct FlowKey {
    src: u128,
    dst: u128,
    ports: u32,
    capture_point: u16,
}

impl FlowKey {
    #[inline]
    fn of(capture_point: CapturePoint, flow: Flow) -> Self {
        let bits = |ip| match ip {
            IpAddr::V4(ip) => u128::from(u32::from(ip)) | (0xffff << 32),
            IpAddr::V6(ip) => u128::from(ip),
        };
        Self {
            src: bits(flow.src.ip),
            dst: bits(flow.dst.ip),
            ports: u32::from(flow.src.port) << 16 | u32::from(flow.dst.port),
            capture_point: capture_point.0,
        }
    }
}

/// A flow whose payload has the shape of RTP.
#[derive(Debug, Default)]
struct MediaFlow {
    last: Timestamp,
    /// The last packet that belongs to no stream yet.
    waiting: Option<Waiting>,
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
#[derive(Clone, Copy, Debug)]
struct Waiting {
    at: PacketRef,
    network: Network,
    payload_type: u8,
    sequence_number: u16,
    timestamp: u32,
    ssrc: u32,
    length: usize,
}

/// An address that a call claims.
#[derive(Clone, Copy, Debug)]
struct Claim {
    call: Handle,
    side: Side,
    media: u8,
    role: AddressRole,
}

/// Flows, streams, and who claims which address.
#[derive(Debug)]
pub(super) struct Media {
    flows: Table<FlowKey, MediaFlow>,
    streams: Table<u64, RtpStream>,
    claims: HashMap<Endpoint, SmallVec<[Claim; 2]>, RandomState>,
    ufrags: HashMap<String, (Handle, Side, u8), RandomState>,
    by_ssrc: HashMap<u32, SmallVec<[Handle; 2]>, RandomState>,
    /// Flows with streams that belong to no call, by where they go.
    unclaimed: HashMap<Endpoint, SmallVec<[Handle; 1]>, RandomState>,
    next_stream: u64,
    max_claims: usize,
    max_ssrcs: usize,
    max_digits: usize,
}

/// Claims of one address; the port of a busy gateway serves call after call.
const MAX_CLAIMS_PER_ADDRESS: usize = 64;
/// Flows toward one address that wait for its description.
const MAX_WAITING_PER_ADDRESS: usize = 64;
/// Sequence numbers between the first two packets of a stream; a source of the
/// same 32-bit number is one, even after a long loss.
const MAX_FIRST_STEP: u16 = 512;
/// Sources of the same number that are told apart.
const MAX_SAME_SSRC: usize = 256;

impl Media {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            flows: Table::new(limits.flows),
            streams: Table::new(limits.streams),
            claims: HashMap::default(),
            ufrags: HashMap::default(),
            by_ssrc: HashMap::default(),
            unclaimed: HashMap::default(),
            next_stream: 0,
            max_claims: limits.flows,
            max_ssrcs: limits.ssrcs_per_flow,
            max_digits: limits.digits,
        }
    }

    pub(super) fn bytes_held(&self) -> usize {
        self.flows.len() * (size_of::<MediaFlow>() + 120)
            + self.streams.len() * (size_of::<RtpStream>() + 64)
            + self.claims.len() * 160
            + self.ufrags.len() * 100
            + self.unclaimed.len() * 80
    }

    pub(super) fn stream(&self, handle: Handle) -> Option<&RtpStream> {
        self.streams.get(handle)
    }

    pub(super) fn stream_handles(&self) -> Vec<(u64, Handle)> {
        self.streams
            .handles()
            .filter_map(|handle| Some((self.streams.get(handle)?.serial, handle)))
            .collect()
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
        let key = FlowKey::of(stream.capture_point, stream.flow);
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
        if self.claims.len() >= self.max_claims && !self.claims.contains_key(&address.endpoint) {
            return false;
        }
        let claims = self.claims.entry(address.endpoint).or_default();
        let room = claims.len() < MAX_CLAIMS_PER_ADDRESS;
        if !room {
            claims.remove(0);
        }
        claims.push(Claim {
            call,
            side: address.side,
            media: address.media,
            role: address.role,
        });
        room
    }

    /// Whose user fragment of ICE this is.
    pub(super) fn ufrag(&self, fragment: &str) -> Option<(Handle, Side, u8)> {
        self.ufrags.get(fragment).copied()
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
    ) -> bool {
        let room = self.ufrags.len() < self.max_claims || self.ufrags.contains_key(&ufrag);
        if room {
            self.ufrags.entry(ufrag).or_insert((call, side, media));
        }
        room
    }

    /// A call is gone, and its claims with it.
    pub(super) fn release(&mut self, call: Handle, session: &Session) {
        for address in &session.addresses {
            if let Some(claims) = self.claims.get_mut(&address.endpoint) {
                claims.retain(|claim| claim.call != call);
                if claims.is_empty() {
                    self.claims.remove(&address.endpoint);
                }
            }
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
                        .is_some_and(|(claimed, ..)| *claimed == call)
                    {
                        self.ufrags.remove(ufrag);
                    }
                }
            }
        }
    }

    pub(super) fn mark_dtls(&mut self, capture_point: CapturePoint, flow: Flow) {
        for flow in [flow, flow.reversed()] {
            if let Some(known) = self.flows.find(&FlowKey::of(capture_point, flow))
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

    /// An ICMP error that quotes media. Says whether it does.
    pub(super) fn icmp(&mut self, capture_point: CapturePoint, error: &IcmpError<'_>) -> bool {
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
        let Some(flow) = self.flows.find(&FlowKey::of(capture_point, error.quoted)) else {
            return false;
        };
        let Some(flow) = self.flows.get(flow) else {
            return false;
        };
        let mut found = false;
        for (_, stream) in &flow.streams {
            if let Some(stream) = self.streams.get_mut(*stream) {
                stream.icmp_errors += 1;
                found = true;
            }
        }
        found
    }

    /// Ties a new stream to those of the same packets at other points.
    fn tie_same(&mut self, handle: Handle, sequence_number: u16) {
        let Some(stream) = self.streams.get(handle) else {
            return;
        };
        let (serial, ssrc, point, at) = (
            stream.serial,
            stream.ssrc,
            stream.capture_point,
            stream.first.timestamp,
        );
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
            if known.capture_point != point
                && near
                && same_kind
                && at_once
                && known.same_as.len() < 16
            {
                known.same_as.push(serial);
                let known = known.serial;
                if let Some(stream) = self.streams.get_mut(handle)
                    && stream.same_as.len() < 16
                {
                    stream.same_as.push(known);
                }
            }
        }
    }
}

impl Engine {
    /// A datagram whose first two bits are those of RTP and RTCP.
    #[inline]
    pub(super) fn media_packet(&mut self, at: PacketRef, datagram: &Datagram<'_>) {
        let Some(packet) = RtpPacket::parse(datagram.payload) else {
            if looks_like_rtcp(datagram.payload) {
                self.rtcp(at, datagram);
            } else {
                self.not_decoded("UDP that is no SIP, RTP, RTCP or STUN");
            }
            return;
        };
        let key = FlowKey::of(at.capture_point, datagram.flow);
        let found = self.media.flows.find(&key);
        if let Some(handle) = found
            && let Some(flow) = self.media.flows.get_mut(handle)
        {
            flow.last = at.timestamp;
            let known = flow
                .streams
                .iter()
                .find(|(ssrc, _)| *ssrc == packet.ssrc)
                .map(|(_, stream)| *stream);
            if let Some(stream) = known {
                self.counters.rtp_packets += 1;
                self.stream_packet(
                    handle,
                    stream,
                    at,
                    &datagram.network,
                    &packet,
                    datagram.payload.len(),
                );
                return;
            }
        }
        self.new_source(found, key, at, datagram, &packet);
    }

    /// The next packet of a known stream.
    #[inline]
    fn stream_packet(
        &mut self,
        flow: Handle,
        handle: Handle,
        at: PacketRef,
        network: &Network,
        packet: &RtpPacket<'_>,
        length: usize,
    ) {
        let max_digits = self.media.max_digits;
        let Some(stream) = self.media.streams.get_mut(handle) else {
            return;
        };
        // Events are four octets, sound is longer.
        let event = if packet.payload.len() == 4 && packet.payload_type >= 96 {
            let calls = &self.calls;
            let described = stream.membership.and_then(|membership| {
                let session = &calls.get(membership.call)?.session;
                session.codec(membership.to, membership.media, packet.payload_type)
            });
            described
                .is_none_or(|codec| codec.is_telephone_event())
                .then(|| TelephoneEvent::parse(packet.payload))
                .flatten()
        } else {
            None
        };
        let silence = stream.packet(at, network, packet, length, event, max_digits);
        let trial = (!stream.proven).then(|| stream.trial());
        if std::mem::take(&mut stream.digit_dropped) {
            self.limit(Limit::Digits);
        }
        match (trial, silence) {
            (Some(Trial::Open), _) | (None, None) => {}
            (Some(Trial::Passed), _) => self.prove(flow, handle),
            (Some(Trial::Failed), _) => {
                if let Some(stream) = self.media.remove_stream(handle) {
                    self.disown(&stream);
                }
            }
            (None, Some(silence)) => self.judge(handle, silence),
        }
    }

    /// A long silence counts unless the session says that none was to be
    /// heard.
    fn judge(&mut self, handle: Handle, silence: Silence) {
        let Some(stream) = self.media.streams.get_mut(handle) else {
            return;
        };
        let paused = stream.membership.is_some_and(|membership| {
            self.calls.get(membership.call).is_some_and(|call| {
                let from = membership.to.other();
                call.session
                    .paused(from, membership.media, silence.from, silence.until)
            })
        });
        if !paused {
            stream.gap_max_ns = stream.gap_max_ns.max(silence.until.since(silence.from));
        }
    }

    /// A source that was not met on this flow before.
    fn new_source(
        &mut self,
        found: Option<Handle>,
        key: FlowKey,
        at: PacketRef,
        datagram: &Datagram<'_>,
        packet: &RtpPacket<'_>,
    ) {
        let handle = match found {
            Some(handle) => handle,
            None => {
                let flow = MediaFlow {
                    last: at.timestamp,
                    ..MediaFlow::default()
                };
                let (handle, evicted) = self.media.flows.insert(key, flow);
                if let Some(evicted) = evicted {
                    self.limit(Limit::Flows);
                    for (_, stream) in evicted.streams {
                        self.close_stream(stream);
                    }
                }
                handle
            }
        };
        let membership = self.membership(datagram.flow);
        let described = membership.is_some_and(|membership| {
            self.calls
                .get(membership.call)
                .is_some_and(|call| call.session.knows_payload_type(packet.payload_type))
        });
        let max_ssrcs = self.media.max_ssrcs;
        let Some(flow) = self.media.flows.get_mut(handle) else {
            return;
        };
        flow.membership = flow.membership.or(membership);
        if flow.streams.len() >= max_ssrcs {
            self.limit(Limit::SsrcsPerFlow);
            return;
        }
        let length = datagram.payload.len();
        if described {
            let flow_membership = flow.membership;
            flow.waiting = None;
            self.begin_stream(
                handle,
                datagram.flow,
                at,
                &datagram.network,
                packet,
                length,
                flow_membership,
            );
            return;
        }
        let now = Waiting {
            at,
            network: datagram.network,
            payload_type: packet.payload_type,
            sequence_number: packet.sequence_number,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
            length,
        };
        let before = flow.waiting.replace(now);
        let Some(before) = before else {
            return;
        };
        let step = packet.sequence_number.wrapping_sub(before.sequence_number);
        let follows = before.ssrc == packet.ssrc
            && before.payload_type == packet.payload_type
            && is_usual_payload_type(packet.payload_type)
            && (1..=MAX_FIRST_STEP).contains(&step)
            && packet.timestamp.wrapping_sub(before.timestamp) < 0x1000_0000
            && !packet.payload.is_empty();
        if !follows {
            // The one before belongs to nothing.
            self.not_decoded("UDP that is no SIP, RTP, RTCP or STUN");
            return;
        }
        flow.waiting = None;
        let first = RtpPacket {
            marker: false,
            payload_type: before.payload_type,
            sequence_number: before.sequence_number,
            timestamp: before.timestamp,
            ssrc: before.ssrc,
            payload: &[],
        };
        let stream = self.begin_stream(
            handle,
            datagram.flow,
            before.at,
            &before.network,
            &first,
            before.length,
            None,
        );
        if let Some(stream) = stream {
            self.counters.rtp_packets += 1;
            self.stream_packet(handle, stream, at, &datagram.network, packet, length);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one packet")]
    fn begin_stream(
        &mut self,
        flow_handle: Handle,
        flow: Flow,
        at: PacketRef,
        network: &Network,
        packet: &RtpPacket<'_>,
        length: usize,
        membership: Option<Membership>,
    ) -> Option<Handle> {
        self.counters.rtp_packets += 1;
        let clock_rate = membership
            .and_then(|membership| {
                let call = self.calls.get(membership.call)?;
                call.session
                    .codec(membership.to, membership.media, packet.payload_type)
            })
            .or_else(|| RtpMap::of_static(packet.payload_type))
            .filter(|codec| !codec.is_telephone_event())
            .map(|codec| codec.clock_rate);
        let serial = self.media.next_stream;
        self.media.next_stream += 1;
        let mut stream = RtpStream::new(serial, flow, at, network, packet, clock_rate, length);
        stream.membership = membership;
        stream.proven = membership.is_some();
        if packet.payload.len() == 4
            && let Some(event) = TelephoneEvent::parse(packet.payload)
            && membership.is_some_and(|membership| {
                self.calls.get(membership.call).is_some_and(|call| {
                    call.session
                        .codec(membership.to, membership.media, packet.payload_type)
                        .is_some_and(|codec| codec.is_telephone_event())
                })
            })
        {
            stream.first_event(at.timestamp, packet.timestamp, event, self.media.max_digits);
        }
        let (handle, evicted) = self.media.streams.insert(serial, stream);
        if let Some(evicted) = evicted {
            self.limit(Limit::Streams);
            self.forget_evicted(evicted);
        }
        if let Some(known) = self.media.flows.get_mut(flow_handle) {
            known.streams.push((packet.ssrc, handle));
            if known.dtls
                && let Some(stream) = self.media.streams.get_mut(handle)
            {
                stream.encrypted = true;
            }
        }
        let same = self.media.by_ssrc.entry(packet.ssrc).or_default();
        if same.len() < MAX_SAME_SSRC {
            same.push(handle);
        }
        self.media.tie_same(handle, packet.sequence_number);
        match membership {
            Some(membership) => {
                if let Some(call) = self.calls.get_mut(membership.call) {
                    call.streams.push(handle);
                }
            }
            None => self.wait_for_claim(flow.dst, flow_handle),
        }
        Some(handle)
    }

    /// A stream that left the table: told, and forgotten everywhere else.
    fn forget_evicted(&mut self, stream: RtpStream) {
        let key = FlowKey::of(stream.capture_point, stream.flow);
        if let Some(flow) = self.media.flows.find(&key)
            && let Some(flow) = self.media.flows.get_mut(flow)
        {
            flow.streams.retain(|(ssrc, _)| *ssrc != stream.ssrc);
        }
        if stream.proven {
            self.events
                .push_back(super::Event::Stream(Box::new(stream)));
        } else {
            self.disown(&stream);
        }
    }

    fn wait_for_claim(&mut self, dst: Endpoint, flow: Handle) {
        let max = self.media.max_claims;
        if self.media.unclaimed.len() >= max && !self.media.unclaimed.contains_key(&dst) {
            self.limit(Limit::Unclaimed);
            return;
        }
        let waiting = self.media.unclaimed.entry(dst).or_default();
        if waiting.contains(&flow) {
            return;
        }
        if waiting.len() >= MAX_WAITING_PER_ADDRESS {
            self.limit(Limit::Unclaimed);
            return;
        }
        waiting.push(flow);
    }

    /// A stream without a description has shown to be RTP. It may come from
    /// an address of a call, toward one that a NAT gave.
    fn prove(&mut self, flow: Handle, handle: Handle) {
        let Some(stream) = self.media.streams.get_mut(handle) else {
            return;
        };
        stream.proven = true;
        if stream.membership.is_some() {
            return;
        }
        let way = stream.flow;
        let membership = self
            .media
            .flows
            .get(flow)
            .and_then(|flow| flow.membership)
            .or_else(|| self.membership(way))
            .or_else(|| self.membership_by_source(way));
        if let Some(membership) = membership {
            self.join(handle, membership);
        }
    }

    fn join(&mut self, handle: Handle, membership: Membership) {
        let Some(stream) = self.media.streams.get_mut(handle) else {
            return;
        };
        let Some(call) = self.calls.get_mut(membership.call) else {
            return;
        };
        stream.membership = Some(membership);
        call.streams.push(handle);
    }

    /// An address was claimed: streams that already go there find their call.
    pub(super) fn adopt(&mut self, call: Handle, endpoint: Endpoint) {
        let Some(flows) = self.media.unclaimed.remove(&endpoint) else {
            return;
        };
        let mut left = SmallVec::<[Handle; 1]>::new();
        for flow_handle in flows {
            let streams: SmallVec<[Handle; 1]> = match self.media.flows.get(flow_handle) {
                Some(flow) => flow.streams.iter().map(|(_, stream)| *stream).collect(),
                None => continue,
            };
            let mut joined = false;
            for handle in streams {
                let Some(stream) = self.media.streams.get(handle) else {
                    continue;
                };
                if stream.membership.is_some() {
                    continue;
                }
                let Some(membership) = self
                    .membership(stream.flow)
                    .filter(|membership| membership.call == call)
                else {
                    continue;
                };
                let described = self.calls.get(call).is_some_and(|call| {
                    stream
                        .payload_types
                        .iter()
                        .any(|(kind, _)| call.session.knows_payload_type(*kind))
                });
                if !described && !stream.proven {
                    continue;
                }
                self.join(handle, membership);
                if let Some(stream) = self.media.streams.get_mut(handle) {
                    stream.proven = true;
                }
                if let Some(flow) = self.media.flows.get_mut(flow_handle) {
                    flow.membership = Some(membership);
                }
                joined = true;
            }
            if !joined {
                left.push(flow_handle);
            }
        }
        if !left.is_empty() {
            self.media.unclaimed.insert(endpoint, left);
        }
    }

    /// Whose stream goes this way, by the addresses that calls claim.
    fn membership(&self, flow: Flow) -> Option<Membership> {
        let claims = self.media.claims.get(&flow.dst)?;
        let candidates: SmallVec<[(&Claim, &Call, bool); 2]> = claims
            .iter()
            .filter(|claim| claim.role != AddressRole::Rtcp)
            .filter_map(|claim| {
                let call = self.calls.get(claim.call)?;
                let from_peer = call.session.addresses.iter().any(|address| {
                    address.endpoint == flow.src && address.side == claim.side.other()
                });
                Some((claim, call, from_peer))
            })
            .collect();
        // Both ends known beat one; a call that stands beats one that ended;
        // the latest claim beats those before.
        let best = candidates
            .iter()
            .enumerate()
            .max_by_key(|(place, (_, call, from_peer))| (*from_peer, call.rank(), *place))?
            .1;
        let rivals = candidates
            .iter()
            .filter(|(claim, call, from_peer)| {
                claim.call != best.0.call && *from_peer == best.2 && call.rank() == best.1.rank()
            })
            .count();
        if rivals > 0 && !best.2 {
            // Several calls receive here and none is known to be sent from
            // there: better none than the wrong one.
            return None;
        }
        Some(Membership {
            call: best.0.call,
            to: best.0.side,
            media: best.0.media,
            association: match best.0.role {
                AddressRole::Candidate => Association::Ice,
                _ => Association::Sdp,
            },
        })
    }

    /// Whose stream comes from an address that exactly one standing call
    /// claims to receive at: symmetric RTP (RFC 4961).
    fn membership_by_source(&self, flow: Flow) -> Option<Membership> {
        let claims = self.media.claims.get(&flow.src)?;
        let mut standing = claims.iter().filter(|claim| {
            claim.role != AddressRole::Rtcp
                && self
                    .calls
                    .get(claim.call)
                    .is_some_and(|call| call.rank() > 0)
        });
        let claim = standing.next()?;
        if standing.any(|other| other.call != claim.call) {
            return None;
        }
        Some(Membership {
            call: claim.call,
            to: claim.side.other(),
            media: claim.media,
            association: Association::Nat,
        })
    }

    fn rtcp(&mut self, at: PacketRef, datagram: &Datagram<'_>) {
        self.counters.rtcp_packets += 1;
        let flow = datagram.flow;
        let media = &mut self.media;
        rtcp::walk(datagram.payload, |packet| match packet {
            RtcpPacket::SenderReport { ssrc, ntp_middle } => {
                let own = media.of_ssrc(ssrc, at.capture_point, |stream| {
                    (
                        stream.src.ip == flow.src.ip,
                        near(stream.src.port, flow.src.port),
                    )
                });
                if let Some(stream) = own.and_then(|own| media.streams.get_mut(own)) {
                    stream.sender_report(ntp_middle, at.timestamp);
                }
            }
            RtcpPacket::Report { block, .. } => {
                let about = media.of_ssrc(block.ssrc, at.capture_point, |stream| {
                    (
                        stream.dst.ip == flow.src.ip,
                        near(stream.dst.port, flow.src.port),
                    )
                });
                if let Some(stream) = about.and_then(|about| media.streams.get_mut(about)) {
                    stream.receiver_report(&block, at.timestamp);
                }
            }
            RtcpPacket::Bye { .. } | RtcpPacket::Other(_) => {}
        });
    }

    /// A datagram that may be STUN; says whether it is.
    pub(super) fn stun(&mut self, at: PacketRef, datagram: &Datagram<'_>) -> bool {
        let flow = datagram.flow;
        let is_port = |port| matches!(port, 3478 | 3479);
        let at_port = is_port(flow.src.port) || is_port(flow.dst.port);
        let Some(message) = StunMessage::parse(datagram.payload)
            .or_else(|| StunMessage::parse_classic(datagram.payload, at_port))
        else {
            return false;
        };
        self.stun_message(at, flow, &message);
        true
    }

    /// A connectivity check between two addresses of a call: media may follow
    /// in both directions.
    pub(super) fn checked(&mut self, flow: Flow, handle: Handle, to: Side, media: u8) {
        let max = self.config.limits.addresses_per_call;
        for (endpoint, side) in [(flow.dst, to), (flow.src, to.other())] {
            let Some(call) = self.calls.get_mut(handle) else {
                return;
            };
            let known = call
                .session
                .addresses
                .iter()
                .any(|address| address.endpoint == endpoint && address.side == side);
            if known {
                continue;
            }
            if call.session.addresses.len() >= max {
                self.limit(Limit::AddressesPerCall);
                continue;
            }
            let address = Address {
                endpoint,
                side,
                media,
                own: false,
                role: AddressRole::Candidate,
            };
            call.session.addresses.push(address);
            if !self.media.claim(handle, &address) {
                self.limit(Limit::Claims);
            }
            self.adopt(handle, endpoint);
        }
    }
}

impl Media {
    /// The stream of `ssrc` at a point whose flow fits best: the address must,
    /// the port should.
    fn of_ssrc(
        &self,
        ssrc: u32,
        capture_point: CapturePoint,
        fits: impl Fn(&Flow) -> (bool, bool),
    ) -> Option<Handle> {
        self.by_ssrc
            .get(&ssrc)?
            .iter()
            .copied()
            .filter_map(|handle| {
                let stream = self.streams.get(handle)?;
                let (address, port) = fits(&stream.flow);
                (stream.capture_point == capture_point && address).then_some((port, handle))
            })
            .max_by_key(|(port, _)| *port)
            .map(|(_, handle)| handle)
    }
}

/// Whether an RTCP port belongs to an RTP port: the next one, or the same.
fn near(rtp: u16, rtcp: u16) -> bool {
    rtcp == rtp || rtp.checked_add(1) == Some(rtcp)
}

/// Payload types that a stream without a description may have: those assigned
/// and those meant for negotiation (RFC 3551, 6).
fn is_usual_payload_type(payload_type: u8) -> bool {
    payload_type >= 96 || RtpMap::of_static(payload_type).is_some()
}
