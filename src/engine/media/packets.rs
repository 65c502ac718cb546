//! RTP on its way into streams.

use super::{FlowKey, MAX_FIRST_STEP, MediaFlow, Waiting, is_rtp};
use crate::engine::limits::Limit;
use crate::engine::rtp_stream::{Association, Membership, RtpStream, Silence, Trial};
use crate::engine::table::Handle;
use crate::engine::{Engine, Event};
use crate::link::{Datagram, Network, Tunnel, TunnelKind};
use crate::net::Flow;
use crate::packet::PacketRef;
use crate::rtp::dtmf::TelephoneEvent;
use crate::rtp::{RtpPacket, looks_like_rtcp};
use crate::sdp::RtpMap;

/// The first packets of a stream are looked for on the other side of a NAT;
/// one may be lost.
const YOUNG: u64 = 8;

impl Engine {
    /// A datagram whose first two bits are those of RTP and RTCP.
    #[inline]
    pub(in crate::engine) fn media_packet(&mut self, at: PacketRef, datagram: &Datagram<'_>) {
        let Some(packet) = RtpPacket::parse(datagram.payload) else {
            if looks_like_rtcp(datagram.payload) {
                let (flow, network) = (datagram.flow, &datagram.network);
                self.nat_payload(at, flow, network, datagram.payload);
                self.rtcp(at, datagram);
            } else {
                self.not_decoded("UDP that is no SIP, RTP, RTCP or STUN");
            }
            return;
        };
        let key = FlowKey::of(at.capture_point, self.stretch, datagram.flow);
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
                    datagram.payload,
                );
                return;
            }
        }
        self.nat_media(at, datagram.flow, &datagram.network, &packet);
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
        octets: &[u8],
    ) {
        let max_digits = self.media.limits.digits;
        let Some(stream) = self.media.streams.get_mut(handle) else {
            return;
        };
        let young = (stream.packets < YOUNG).then_some(stream.flow);
        let secured = stream.secured.as_mut();
        let opened = secured.and_then(|secured| secured.open_or_plain(octets));
        let payload = opened.as_deref().unwrap_or(packet.payload);
        // Events are four octets, sound is longer.
        let event = if payload.len() == 4 && packet.payload_type >= 96 {
            let calls = &self.calls;
            let described = stream.membership.and_then(|membership| {
                let session = &calls.get(membership.call)?.session;
                session.codec(membership.to, membership.media, packet.payload_type)
            });
            described
                .is_none_or(|codec| codec.is_telephone_event())
                .then(|| TelephoneEvent::parse(payload))
                .flatten()
        } else {
            None
        };
        let silence = stream.packet(at, network, packet, octets.len(), event, max_digits);
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
        if let Some(way) = young {
            self.nat_media(at, way, network, packet);
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
        let membership = self.membership(datagram.flow, is_rtp);
        let described = membership.is_some_and(|membership| {
            self.calls
                .get(membership.call)
                .is_some_and(|call| call.session.knows_payload_type(packet.payload_type))
        });
        let max_ssrcs = self.media.limits.ssrcs_per_flow;
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
            let stream = self.begin_stream(
                handle,
                datagram.flow,
                at,
                &datagram.network,
                packet,
                length,
                flow_membership,
            );
            if let Some(stream) = stream {
                self.open_first(stream, Some(datagram.payload));
            }
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
            octets: (!self.keys.srtp().is_empty()).then(|| datagram.payload.into()),
        };
        let before = match &mut flow.waiting {
            Some(waiting) => Some(std::mem::replace(waiting.as_mut(), now)),
            none => {
                *none = Some(Box::new(now));
                None
            }
        };
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
            self.open_first(stream, before.octets.as_deref());
            self.counters.rtp_packets += 1;
            self.stream_packet(
                handle,
                stream,
                at,
                &datagram.network,
                packet,
                datagram.payload,
            );
        }
    }

    /// The first packet of a stream may be protected like those that follow.
    fn open_first(&mut self, stream: Handle, octets: Option<&[u8]>) {
        let stream = self.media.streams.get_mut(stream);
        let secured = stream.and_then(|stream| stream.secured.as_mut());
        if let Some((secured, octets)) = secured.zip(octets) {
            secured.open(octets);
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
        stream.tunnel = self.tunnel;
        stream.stretch = self.stretch;
        stream.membership = membership.map(|own| through(own, self.tunnel));
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
            stream.first_event(
                at.timestamp,
                packet.timestamp,
                event,
                self.media.limits.digits,
            );
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
        if same.len() < self.media.limits.same_ssrc {
            same.push(handle);
        } else {
            self.limit(Limit::SameSsrc);
        }
        if !self.media.tie_same(handle, packet.sequence_number) {
            self.limit(Limit::Places);
        }
        self.secure(handle);
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
        let key = FlowKey::of(stream.capture_point, stream.stretch, stream.flow);
        if let Some(flow) = self.media.flows.find(&key)
            && let Some(flow) = self.media.flows.get_mut(flow)
        {
            flow.streams.retain(|(ssrc, _)| *ssrc != stream.ssrc);
        }
        if stream.proven {
            self.events.push_back(Event::Stream(Box::new(stream)));
        } else {
            self.disown(&stream);
        }
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
            .or_else(|| self.membership(way, is_rtp))
            .or_else(|| self.membership_by_source(way, is_rtp));
        if let Some(membership) = membership {
            self.join(handle, membership);
        }
    }
}

/// A place in a call, as it is known of a stream that came through a tunnel.
pub(super) fn through(membership: Membership, tunnel: Option<Tunnel>) -> Membership {
    let by_turn = tunnel.is_some_and(|own| own.kind == TunnelKind::Turn);
    Membership {
        association: match by_turn {
            true => Association::Turn,
            false => membership.association,
        },
        ..membership
    }
}

/// Payload types that a stream without a description may have: those assigned
/// and those meant for negotiation (RFC 3551, 6).
fn is_usual_payload_type(payload_type: u8) -> bool {
    payload_type >= 96 || RtpMap::of_static(payload_type).is_some()
}
