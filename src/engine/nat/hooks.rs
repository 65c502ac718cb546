//! Where the engine notes what it sees of NATs.

use std::net::IpAddr;

use super::twins::{Kind, Pair, Sighting};
use super::{
    Effort, Learned, MAX_REWRITES, MAX_UAC_TESTS, Met, Rewrite, Translation, UacTest, rewrite,
};
use crate::engine::Engine;
use crate::engine::call::{Call, Facts};
use crate::engine::limits::Limit;
use crate::engine::rtp_stream::RtpStream;
use crate::engine::session::{AddressRole, Side};
use crate::link::{Network, Segment, TunnelKind};
use crate::net::{Endpoint, Flow, Transport, is_private};
use crate::octets;
use crate::packet::PacketRef;
use crate::port_mapping;
use crate::rtp::RtpPacket;
use crate::sip::header::{HeaderName, NameAddr};
use crate::sip::{MAGIC_COOKIE, Method, split_host_port};

/// Of so many packets that are not among the first one is looked for on the
/// other side of a NAT.
const SAMPLED: u32 = 16;

impl Engine {
    /// Whether what is read now passes inside TURN: beyond the server it goes ways that
    /// the capture point does not see.
    fn is_relayed(&self) -> bool {
        (self.tunnel).is_some_and(|own| own.kind == TunnelKind::Turn)
    }

    /// A datagram that has an identity of its own in its payload, such as media.
    pub(in crate::engine) fn nat_payload(
        &mut self,
        at: PacketRef,
        flow: Flow,
        network: &Network,
        payload: &[u8],
    ) {
        let key = self.nat.twins.digest((payload.len(), payload));
        let sighting = Sighting::of(at, flow, Some(network));
        self.nat_sighting(key, Kind::Unique, sighting, 1);
    }

    /// A packet of media, which is counted with its stream.
    pub(in crate::engine) fn nat_media(
        &mut self,
        at: PacketRef,
        flow: Flow,
        network: &Network,
        packet: &RtpPacket<'_>,
    ) {
        let numbers = (packet.ssrc, packet.sequence_number, packet.timestamp);
        let key = self.nat.twins.digest((numbers, packet.payload));
        let sighting = Sighting::of(at, flow, Some(network));
        self.nat_sighting(key, Kind::Unique, sighting, 0);
    }

    /// A datagram of a kind that is not read.
    pub(in crate::engine) fn nat_other(
        &mut self,
        at: PacketRef,
        flow: Flow,
        network: &Network,
        payload: &[u8],
    ) {
        if self.is_relayed() {
            return;
        }
        if flow.src.port == port_mapping::PORT {
            self.nat_granted(at, flow, payload);
        }
        // The first ones are enough where both sides were captured from the
        // beginning; else those whose number says the same on both sides.
        let is_early = self.nat_met(at, flow, Kind::Plain, 1);
        let is_sample = (network.identification).is_some_and(|own| own % SAMPLED == 0);
        if !is_early && !is_sample {
            return;
        }
        let key = self
            .nat
            .twins
            .digest((network.identification, payload.len(), payload));
        let sighting = Sighting::of(at, flow, Some(network));
        self.nat_twin(key, Kind::Plain, sighting);
    }

    /// A segment of TCP: only those that open a connection are looked at.
    pub(in crate::engine) fn nat_segment(&mut self, at: PacketRef, segment: &Segment<'_>) {
        self.nat_gateway(at, segment);
        if !segment.syn {
            return;
        }
        let key = self
            .nat
            .twins
            .digest((segment.sequence, segment.acknowledgment));
        let sighting = Sighting::of(at, segment.flow, Some(&segment.network));
        self.nat_sighting(key, Kind::Unique, sighting, 1);
        let contacts = &mut self.nat.contacts;
        if let Some(handle) = contacts.find(&(at.capture_point, segment.flow))
            && let Some(contact) = contacts.get_mut(handle)
        {
            let when = match segment.acknowledgment {
                None => &mut contact.asked,
                Some(_) => &mut contact.granted,
            };
            when.get_or_insert(at.timestamp);
        }
    }

    /// A STUN message, whose transaction is its identity.
    pub(in crate::engine) fn nat_stun(
        &mut self,
        at: PacketRef,
        flow: Flow,
        network: &Network,
        class: u16,
        transaction: &[u8; 16],
    ) {
        let key = self.nat.twins.digest((class, transaction));
        let sighting = Sighting::of(at, flow, Some(network));
        self.nat_sighting(key, Kind::Unique, sighting, 1);
    }

    /// A SIP message. Its top branch and what it is about are its identity,
    /// whatever was rewritten.
    pub(in crate::engine) fn nat_sip(&mut self, facts: &Facts<'_, '_>) {
        let octets = facts.message.octets();
        let via = facts.message.top_via().ok();
        let branch = via.and_then(|via| via.branch);
        let key = match branch.filter(|own| own.starts_with(MAGIC_COOKIE.as_bytes())) {
            Some(branch) => {
                let what = (facts.status, facts.method.as_str(), facts.cseq);
                self.nat.twins.digest((branch, what, &facts.from_tag))
            }
            None => self.nat.twins.digest(octets),
        };
        let sighting = Sighting::of(facts.at, facts.flow, facts.network.as_ref());
        let pair = self.nat_sighting(key, Kind::Unique, sighting, 1);
        self.nat.messages.keep(facts.at, octets);
        if let Some(pair) = pair {
            self.nat_rewritten(&pair);
        }
        if !facts.is_response {
            self.nat_uac_test(facts);
        } else if facts.status != Some(100) {
            self.nat_response(facts);
        }
    }

    /// What kamailio's `nat_uac_test` would say of a request at its first hop.
    fn nat_uac_test(&mut self, facts: &Facts<'_, '_>) {
        let Ok(via) = facts.message.top_via() else {
            return;
        };
        let src = facts.flow.src;
        let room = self.nat.uac_tests.len() < MAX_UAC_TESTS;
        if facts.message.via_count() != 1 {
            return;
        }
        if !room && !self.nat.uac_tests.contains_key(&src) {
            self.nat.missed = self.nat.missed.saturating_add(1);
            return;
        }
        let (via_host, via_port) = split_host_port(via.sent_by);
        let via_ip = address(via_host);
        let contact = facts.message.contact();
        let contact = contact.as_ref().map(NameAddr::parsed_uri);
        let contact_ip = contact.as_ref().and_then(|uri| address(uri.host));
        let sdp = facts.description();
        let media_ip = sdp
            .as_ref()
            .and_then(|own| own.media.iter().find_map(|media| media.connection));
        let inside = |ip: Option<IpAddr>| ip.is_some_and(is_private);
        let is_web =
            via.transport.eq_ignore_ascii_case(b"WS") || via.transport.eq_ignore_ascii_case(b"WSS");
        let contact_port = contact.as_ref().map(|uri| uri.port.unwrap_or(5060));
        let mask: u16 = [
            (1, inside(contact_ip)),
            (2, via_ip.is_some_and(|ip| ip != src.ip)),
            (4, inside(via_ip)),
            (8, inside(media_ip)),
            (16, via_port.unwrap_or(5060) != src.port),
            (32, is_private(src.ip)),
            (64, is_web),
            (128, contact_port.is_some_and(|port| port != src.port)),
            (256, media_ip.is_some_and(|ip| ip != src.ip)),
        ]
        .into_iter()
        .filter_map(|(bit, is_set)| is_set.then_some(bit))
        .sum();
        let test = self.nat.uac_tests.entry(src).or_insert(UacTest {
            mask: 0,
            at: facts.at,
        });
        test.mask |= mask;
    }

    /// What a response says of where its request came from.
    fn nat_response(&mut self, facts: &Facts<'_, '_>) {
        // RFC 5626, 6: a registrar that keeps the flow says so.
        let is_outbound = facts.status == Some(200)
            && facts.method == Method::Register
            && facts.message.via_count() == 1
            && (facts.message.values(HeaderName::Require))
                .any(|own| own.eq_ignore_ascii_case(b"outbound"));
        if is_outbound {
            self.nat.effort(Effort {
                host: facts.flow.dst,
                with: facts.flow.src,
                what: "outbound",
                at: facts.at,
            });
        }
        let Ok(via) = facts.message.top_via() else {
            return;
        };
        let (host, port) = split_host_port(via.sent_by);
        let Some(port_seen) = via.rport.and_then(number) else {
            return;
        };
        let said = address(host);
        let Some(seen) = via.received.and_then(address).or(said) else {
            return;
        };
        let here = facts.flow.dst;
        let outside = Endpoint::new(seen, port_seen);
        let found = Translation {
            transport: facts.flow.transport.carrier(),
            inside: here,
            outside,
            remote: Some(facts.flow.src),
        };
        self.nat_learn(found, Learned::Via, facts.at);
        // Outside the NAT only the sender's own word tells of the inside.
        let own = said.map(|ip| Endpoint::new(ip, port.unwrap_or(5060)));
        if let Some(inside) = own.filter(|own| is_private(own.ip) && own.ip != here.ip)
            && outside == here
            && !is_private(here.ip)
            && facts.message.via_count() == 1
            && !facts.flow.transport.is_reliable()
        {
            self.nat_learn(Translation { inside, ..found }, Learned::Claim, facts.at);
        }
    }

    /// What STUN says of where a request came from.
    pub(in crate::engine) fn nat_mapped(&mut self, at: PacketRef, flow: Flow, mapped: Endpoint) {
        if self.is_relayed() {
            return;
        }
        let found = Translation {
            transport: flow.transport,
            inside: flow.src,
            outside: mapped,
            remote: Some(flow.dst),
        };
        self.nat_learn(found, Learned::Stun, at);
    }

    /// What a call that ended tells: reflexive candidates with what they stand
    /// for, media from elsewhere than described, pings.
    pub(in crate::engine) fn nat_call(&mut self, call: &Call, streams: &[RtpStream]) {
        for epoch in &call.session.epochs {
            let Some(exchange) = call.exchanges.get(epoch.exchange) else {
                continue;
            };
            let candidates = [Side::Caller, Side::Callee]
                .into_iter()
                .filter_map(|side| epoch.description(side))
                .flat_map(|own| own.media.iter())
                .flat_map(|media| media.candidates.iter())
                .filter(|own| own.kind == "srflx" && own.is_udp);
            let pairs: Vec<_> = candidates
                .filter_map(|own| Some((own.related?, own.endpoint?)))
                .filter(|(inside, outside)| inside != outside)
                .collect();
            for (inside, outside) in pairs {
                let found = Translation {
                    transport: Transport::Udp,
                    inside,
                    outside,
                    remote: None,
                };
                self.nat_learn(found, Learned::Ice, exchange.first);
            }
        }
        for stream in streams {
            let Some(member) = stream.membership else {
                continue;
            };
            let described = call.session.addresses.iter().rev().find(|own| {
                own.own
                    && own.side == member.to.other()
                    && own.media == member.media
                    && own.role == AddressRole::Rtp
            });
            let src = stream.flow.src;
            let Some(own) = described.map(|own| own.endpoint) else {
                continue;
            };
            let is_seen = self.nat.bindings.iter().any(|known| known.outside == src);
            if is_private(own.ip) && !is_private(src.ip) && !is_seen {
                let found = Translation {
                    transport: Transport::Udp,
                    inside: own,
                    outside: src,
                    remote: Some(stream.flow.dst),
                };
                self.nat_learn(found, Learned::Sdp, stream.first);
            }
        }
        for hop in call
            .transactions
            .iter()
            .filter(|own| own.method == Method::Options)
        {
            self.nat.effort(Effort {
                host: hop.flow.dst,
                with: hop.flow.src,
                what: "options-ping",
                at: hop.first,
            });
        }
    }

    pub(super) fn nat_learn(&mut self, found: Translation, how: Learned, at: PacketRef) {
        if !self.nat.learn(found, how, at) {
            self.limit(Limit::NatBindings);
        }
    }

    /// One packet at one place. Hands back what it is the translation of.
    fn nat_sighting(
        &mut self,
        key: u64,
        kind: Kind,
        sighting: Sighting,
        count: u64,
    ) -> Option<Pair> {
        if self.is_relayed() {
            return None;
        }
        self.nat_met(sighting.at, sighting.flow, kind, count);
        self.nat_twin(key, kind, sighting)
    }

    /// One packet from an endpoint to another; says whether it is among the
    /// first on its way, or after a silence.
    fn nat_met(&mut self, at: PacketRef, flow: Flow, kind: Kind, count: u64) -> bool {
        match self.nat.contact(at, flow, count) {
            Met::Again => false,
            Met::Lately => true,
            // Media, STUN and SIP over UDP find their peers by themselves.
            Met::First if kind == Kind::Plain || flow.transport == Transport::Tcp => {
                self.nat_opened(at, flow);
                true
            }
            Met::First => true,
            Met::InPlaceOfAnother => {
                self.limit(Limit::NatContacts);
                true
            }
        }
    }

    /// Looks for a packet on the other side of a NAT.
    fn nat_twin(&mut self, key: u64, kind: Kind, sighting: Sighting) -> Option<Pair> {
        let (pair, is_passed) = self.nat.twins.see(key, kind, sighting);
        if is_passed
            && let Some(handle) =
                (self.nat.contacts).find(&(sighting.at.capture_point, sighting.flow))
            && let Some(contact) = self.nat.contacts.get_mut(handle)
        {
            contact.passed += 1;
        }
        // A server that echoes looks the same as a NAT that turns packets back,
        // unless the NAT is known.
        let pair = pair.filter(|pair| {
            let (out, back) = (pair.inside.flow, pair.outside.flow);
            out.dst.ip != back.src.ip
                || self
                    .nat
                    .bindings
                    .iter()
                    .any(|own| own.outside.ip == back.src.ip && own.inside.ip == out.src.ip)
        })?;
        self.nat.clocks.pair(&pair);
        for side in [&pair.inside, &pair.outside] {
            let contacts = &mut self.nat.contacts;
            if let Some(handle) = contacts.find(&(side.at.capture_point, side.flow))
                && let Some(contact) = contacts.get_mut(handle)
            {
                contact.paired += 1;
            }
        }
        let how = if pair.is_outbound {
            Learned::Pair
        } else {
            Learned::Inbound
        };
        self.nat_learn(pair.translation(), how, pair.inside.at);
        Some(pair)
    }

    /// Holds both sides of one SIP message against each other.
    fn nat_rewritten(&mut self, pair: &Pair) {
        let messages = &self.nat.messages;
        let sides = (messages.get(pair.inside.at), messages.get(pair.outside.at));
        let (Some(inside), Some(outside)) = sides else {
            return;
        };
        let changes = rewrite::changes(inside, outside);
        if changes.is_empty() {
            return;
        }
        if self.nat.rewrites.len() < MAX_REWRITES {
            self.nat.rewrites.push(Rewrite {
                flow: pair.inside.flow,
                inside: pair.inside.at,
                outside: pair.outside.at,
                is_outbound: pair.is_outbound,
                changes,
            });
        } else {
            self.nat.missed = self.nat.missed.saturating_add(1);
        }
    }
}

fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let text = text.trim_start_matches('[').trim_end_matches(']');
    octets::address(text.as_bytes())
}

fn number(text: &[u8]) -> Option<u16> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}
