//! What a packet holds, and where that is read.

use super::limits::Limit;
use super::nat::Effort;
use super::reassembly::ip::Outcome;
use super::signalling::{Arrival, SipFlow};
use super::{Engine, MAX_REASSEMBLIES, Unread};
use crate::link::{Content, Datagram, Fragment, IcmpError, decode_ip_payload};
use crate::net::Flow;
use crate::packet::PacketRef;
use crate::port_mapping;
use crate::stun::StunMessage;

impl Engine {
    pub(super) fn content(
        &mut self,
        at: PacketRef,
        content: &Content<'_>,
        fragments: u32,
        depth: u8,
    ) {
        match content {
            Content::Datagram(datagram) => self.datagram(at, datagram, fragments),
            Content::Segment(segment) => {
                self.nat_segment(at, segment);
                self.connection_segment(at, segment);
                self.segment(at, segment);
            }
            Content::Fragment(fragment) => self.fragment(at, fragment, fragments, depth),
            Content::IcmpError(error) => self.icmp(at, error),
            Content::Ignored(reason) => self.unread(Unread::Ignored(*reason)),
        }
    }

    /// A tunnel may fragment what holds a fragment already; `fragments` counts the
    /// packets that this one came in.
    fn fragment(&mut self, at: PacketRef, fragment: &Fragment<'_>, fragments: u32, depth: u8) {
        if depth >= MAX_REASSEMBLIES {
            self.not_decoded("fragments within fragments within fragments");
            return;
        }
        let evicted = self.fragments.evicted();
        let outcome = self
            .fragments
            .fragment(at.timestamp, at.capture_point, fragment);
        if self.fragments.evicted() > evicted {
            self.limit(Limit::Fragments);
        }
        match outcome {
            Outcome::Waiting => {}
            Outcome::Complete(packet) => {
                let (content, tunnel) =
                    decode_ip_payload(packet.network, packet.protocol, &packet.payload);
                if let Some(tunnel) = tunnel {
                    self.enter(tunnel);
                }
                let fragments = packet.fragments.max(fragments);
                self.content(at, &content, fragments, depth + 1);
            }
            Outcome::Overlap => self.not_decoded("IP fragments that overlap"),
            Outcome::Malformed => self.not_decoded("IP fragment malformed"),
        }
    }

    /// Tells a datagram's payload by its first octet (RFC 7983), then closer.
    #[inline]
    pub(super) fn datagram(&mut self, at: PacketRef, datagram: &Datagram<'_>, fragments: u32) {
        let is_dns = datagram.flow.src.port == 53 || datagram.flow.dst.port == 53;
        let (flow, network, payload) = (datagram.flow, &datagram.network, datagram.payload);
        if is_dns && self.dns(at, flow, payload) {
            self.nat_other(at, flow, network, payload);
            return;
        }
        if self.media.takes_fax() && self.udptl(at, datagram) {
            self.nat_other(at, flow, network, payload);
            return;
        }
        match datagram.payload.first() {
            Some(0x80..=0xbf) => self.media_packet(at, datagram),
            Some(0..=3) if self.stun(at, datagram, fragments) => {}
            Some(1 | 2 | b'H') if self.hep_datagram(at, datagram) => {}
            Some(20..=63) if is_dtls(datagram.payload) => {
                self.nat_payload(at, flow, network, payload);
                self.ice_heard(at, flow);
                self.media
                    .mark_dtls(at.capture_point, self.stretch, datagram.flow);
                self.dtls(at, datagram.flow, datagram.payload);
                self.not_decoded("DTLS");
            }
            Some(_) if crate::sip::looks_like_sip(datagram.payload) => {
                let network = Some(datagram.network);
                let arrival = Arrival {
                    packets: fragments,
                    is_cut: datagram.truncated,
                };
                self.sip(at, datagram.flow, network, datagram.payload, arrival);
            }
            // RFC 8656 ends them at 0x4fff, RFC 5766 at 0x7fff.
            Some(0x40..=0x7f) if self.channel_datagram(at, datagram, fragments) => {
                self.nat_other(at, flow, network, payload);
            }
            // No other protocol has the cookie of STUN there.
            Some(_) if crate::stun::has_cookie(payload) && self.stun(at, datagram, fragments) => {}
            // Two zeros there ask a NAT for its address (RFC 6886, 3.2).
            Some(_) if is_keep_alive(payload) && flow.dst.port != port_mapping::PORT => {
                self.lone_keep_alive(at, datagram.flow);
            }
            Some(_) => {
                self.nat_other(at, flow, network, payload);
                self.ice_heard(at, flow);
                self.not_decoded("UDP that is no SIP, RTP, RTCP or STUN");
            }
            None => self.lone_keep_alive(at, datagram.flow),
        }
    }

    fn lone_keep_alive(&mut self, at: PacketRef, flow: Flow) {
        self.counters.keep_alives += 1;
        self.nat.effort(Effort {
            host: flow.src,
            with: flow.dst,
            what: "crlf-keepalive",
            at,
        });
        self.keep_alive(at, flow);
    }

    /// An error that quotes a connectivity check. Says whether it does.
    fn icmp_of_check(&mut self, at: PacketRef, error: &IcmpError<'_>) -> bool {
        let Some(transaction) = StunMessage::transaction_of(error.payload) else {
            // Some quote eight octets of the datagram, which are the ports.
            return error.payload.is_empty() && self.ice_pair_unreachable(error.quoted);
        };
        let key = (at.capture_point, error.quoted.src, transaction);
        let exchange = self.stun.find(&key).and_then(|own| self.stun.get(own));
        let session = exchange.and_then(|own| own.ice);
        session.is_some_and(|session| self.ice_unreachable(session, &transaction))
    }

    fn icmp(&mut self, at: PacketRef, error: &IcmpError<'_>) {
        if self.icmp_of_check(at, error) || self.media.icmp(at, error) {
            return;
        }
        if let Some(known) = self.sip_flows.find(&error.quoted)
            && let Some(SipFlow {
                call, transaction, ..
            }) = self.sip_flows.get(known).copied()
            && let Some(call) = self.calls.get_mut(call)
            && let Some(transaction) = call.transactions.get_mut(transaction)
        {
            transaction.icmp.get_or_insert((error.kind, at.timestamp));
            return;
        }
        self.not_decoded("ICMP error about other traffic");
    }
}

/// A DTLS record (RFC 9147, 4): a type, a version, a length that fits.
fn is_dtls(payload: &[u8]) -> bool {
    matches!(
        payload,
        [20..=26, 0xfe, 0xfd | 0xff, ..] if payload.len() >= 13
    )
}

/// RFC 5626, 4.4.1, and what others send: empty lines, zeros, or `jaK`.
fn is_keep_alive(payload: &[u8]) -> bool {
    payload.len() <= 8
        && (payload
            .iter()
            .all(|octet| matches!(octet, b'\r' | b'\n' | 0))
            || payload.starts_with(b"jaK")
            || payload == [0xff])
}
