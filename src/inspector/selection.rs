//! Which packets belong to some calls or streams: signalling by its Call-ID,
//! media and look-ups by their addresses and the time of the call.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::engine::MAX_REASSEMBLIES;
use crate::engine::limits::Limits;
use crate::engine::reassembly::ip::{Outcome, Reassembler};
use crate::hep;
use crate::link::{self, Content, decode_ip_payload};
use crate::net::{Endpoint, Flow, Transport};
use crate::octets;
use crate::packet::{CapturePoint, Packet, PacketRef};
use crate::report::{Record, StreamRecord};
use crate::sip::SipMessage;
use crate::time::{SECOND, Timestamp};

/// What is selected.
#[derive(Debug)]
pub struct Selection {
    call_ids: BTreeSet<String>,
    /// Media, look-ups and TCP, with the first and the last moment that counts.
    flows: HashMap<Flow, (Timestamp, Timestamp), RandomState>,
    fragments: Reassembler,
    /// Fragments whose packet is not whole yet, by the packet's key.
    parts: HashMap<(CapturePoint, IpAddr, IpAddr, u32), Vec<PacketRef>, RandomState>,
    /// Fragments in all of them.
    held: usize,
    lost: usize,
}

/// Before the first and after the last packet of a call, what belongs to it:
/// the opening of a connection, retransmissions, the last RTCP.
const BEFORE_NS: i64 = 2 * SECOND;
const AFTER_NS: i64 = 32 * SECOND;
/// Fragments that are remembered until their packet is whole.
const MAX_PARTS: usize = 65_536;

fn moment(text: &str) -> Option<Timestamp> {
    let at: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(at.as_nanosecond())
        .ok()
        .map(Timestamp::from_nanos)
}

/// The two ends that a record names.
fn ends(src_ip: &str, src_port: u16, dst_ip: &str, dst_port: u16) -> Option<(Endpoint, Endpoint)> {
    let end = |ip: &str, port| Some(Endpoint::new(ip.parse().ok()?, port));
    Some((end(src_ip, src_port)?, end(dst_ip, dst_port)?))
}

impl Selection {
    /// The packets of these Call-IDs.
    #[must_use]
    pub fn new(call_ids: impl IntoIterator<Item = String>) -> Self {
        Self {
            call_ids: call_ids.into_iter().collect(),
            flows: HashMap::default(),
            fragments: Reassembler::new(&Limits::default()),
            parts: HashMap::default(),
            held: 0,
            lost: 0,
        }
    }

    /// Takes what a record of the calls says of flows; one that belongs to
    /// other calls says nothing.
    pub fn learn(&mut self, record: &Record) {
        let is_ours = record
            .call_id()
            .is_some_and(|call_id| self.call_ids.contains(call_id));
        if !is_ours {
            return;
        }
        let (udp, tcp) = (Transport::Udp, Transport::Tcp);
        match record {
            Record::RtpStream(stream) => self.stream(stream),
            Record::Transaction(own) if own.transport != "udp" => {
                let ends = ends(&own.src_ip, own.src_port, &own.dst_ip, own.dst_port);
                self.flow(tcp, ends, own.started.as_deref(), None);
                // Without how they began TLS and WebSockets can't be read.
                if let (Some((src, dst)), true) = (ends, own.transport != "tcp") {
                    self.take_beginning(src, dst);
                }
            }
            Record::StunExchange(own) => {
                let ends = ends(&own.src_ip, own.src_port, &own.dst_ip, own.dst_port);
                self.flow(udp, ends, Some(&own.started), None);
            }
            Record::TurnAllocation(own) => {
                let ends = ends(&own.src_ip, own.src_port, &own.dst_ip, own.dst_port);
                let until = own.released.as_deref().or(own.last_refresh.as_deref());
                self.flow(udp, ends, Some(&own.started), until);
                self.flow(tcp, ends, Some(&own.started), until);
            }
            Record::Connection(own) => {
                let ends = ends(&own.src_ip, own.src_port, &own.dst_ip, own.dst_port);
                self.flow(udp, ends, Some(&own.started), own.ended.as_deref());
            }
            Record::DnsLookup(own) => {
                let ends = ends(&own.src_ip, own.src_port, &own.dst_ip, own.dst_port);
                self.flow(udp, ends, Some(&own.started), None);
            }
            _ => {}
        }
    }

    /// Selects the packets of a stream, its RTCP with them.
    pub fn stream(&mut self, stream: &StreamRecord) {
        let next = |port: u16| port.saturating_add(1);
        let (from, until) = (Some(stream.started.as_str()), Some(stream.ended.as_str()));
        for (src_port, dst_port) in [
            (stream.src_port, stream.dst_port),
            (next(stream.src_port), next(stream.dst_port)),
        ] {
            let ends = ends(&stream.src_ip, src_port, &stream.dst_ip, dst_port);
            self.flow(Transport::Udp, ends, from, until);
        }
    }

    /// Packets that were left out because too many packets in fragments were
    /// under way at once.
    #[must_use]
    pub const fn lost(&self) -> usize {
        self.lost
    }

    /// Selects what came before on a connection that is selected.
    fn take_beginning(&mut self, src: Endpoint, dst: Endpoint) {
        let flow = Flow {
            src,
            dst,
            transport: Transport::Tcp,
        };
        for flow in [flow, flow.reversed()] {
            if let Some(span) = self.flows.get_mut(&flow) {
                span.0 = Timestamp::default();
            }
        }
    }

    /// Selects both directions from one moment to another.
    fn flow(
        &mut self,
        transport: Transport,
        ends: Option<(Endpoint, Endpoint)>,
        from: Option<&str>,
        until: Option<&str>,
    ) {
        let (Some((src, dst)), Some(from)) = (ends, from.and_then(moment)) else {
            return;
        };
        let until = until.and_then(moment).unwrap_or(from);
        let (from, until) = (from.offset(-BEFORE_NS), until.offset(AFTER_NS));
        let flow = Flow {
            src,
            dst,
            transport,
        };
        for flow in [flow, flow.reversed()] {
            let span = self.flows.entry(flow).or_insert((from, until));
            *span = (span.0.min(from), span.1.max(until));
        }
    }

    /// Takes the next packet, and hands back those that are now known to be
    /// selected: none, this one, or with it the fragments before it.
    pub fn choose(&mut self, packet: &Packet<'_>) -> Vec<PacketRef> {
        let decoded = link::decode(packet);
        self.choose_of(packet.at(), vec![packet.at()], &decoded.content, 0)
    }

    /// What `packets` hold, the last of which is `at`.
    fn choose_of(
        &mut self,
        at: PacketRef,
        packets: Vec<PacketRef>,
        content: &Content<'_>,
        depth: u8,
    ) -> Vec<PacketRef> {
        let Content::Fragment(fragment) = content else {
            return match self.wants(content, at.timestamp) {
                true => packets,
                false => Vec::new(),
            };
        };
        if depth >= MAX_REASSEMBLIES {
            return Vec::new();
        }
        let key = (
            at.capture_point,
            fragment.network.src,
            fragment.network.dst,
            fragment.network.identification.unwrap_or_default(),
        );
        if self.held >= MAX_PARTS {
            self.parts.clear();
            self.lost += std::mem::take(&mut self.held);
        }
        self.held += packets.len();
        self.parts.entry(key).or_default().extend(packets);
        let outcome = self
            .fragments
            .fragment(at.timestamp, at.capture_point, fragment);
        let Outcome::Complete(whole) = outcome else {
            return Vec::new();
        };
        let parts = self.parts.remove(&key).unwrap_or_default();
        self.held = self.held.saturating_sub(parts.len());
        let (content, _) = decode_ip_payload(whole.network, whole.protocol, &whole.payload);
        self.choose_of(at, parts, &content, depth + 1)
    }

    fn wants(&self, content: &Content<'_>, at: Timestamp) -> bool {
        let in_time = |flow: &Flow| {
            self.flows
                .get(flow)
                .is_some_and(|(from, until)| (*from..=*until).contains(&at))
        };
        match content {
            Content::Datagram(datagram) => {
                if let Some(Ok(hep)) = hep::parse(datagram.payload, at)
                    && (hep.version == 3 || crate::sip::looks_like_sip(&hep.payload))
                {
                    return match call_id_of(&hep.payload) {
                        Some(call_id) => self.call_ids.contains(&call_id),
                        None => in_time(&hep.flow),
                    };
                }
                match call_id_of(datagram.payload) {
                    Some(call_id) => self.call_ids.contains(&call_id),
                    None => in_time(&datagram.flow),
                }
            }
            Content::Segment(segment) => in_time(&segment.flow),
            Content::IcmpError(error) => in_time(&error.quoted),
            Content::Fragment(_) | Content::Ignored(_) => false,
        }
    }
}

/// The Call-ID of a SIP message.
fn call_id_of(payload: &[u8]) -> Option<String> {
    let is_sip = crate::sip::looks_like_sip(payload);
    let message = is_sip.then(|| SipMessage::parse(payload)).flatten()?;
    message.call_id().map(octets::text)
}
