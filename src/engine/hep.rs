//! Packets that capture agents sent on, on their way to where they belong.

use super::signalling::Arrival;
use super::{Engine, JUMP_NS};
use crate::hep::{self, HepError};
use crate::link::{Datagram, Network, Tunnel, TunnelKind};
use crate::net::Flow;
use crate::packet::PacketRef;
use crate::rtp::looks_like_rtcp;

impl Engine {
    /// A datagram of version 3, or one that may be of the versions before. Says
    /// whether it was one.
    pub(super) fn hep_datagram(&mut self, at: PacketRef, datagram: &Datagram<'_>) -> bool {
        self.hep(at, datagram.flow, datagram.payload)
    }

    /// A packet of an agent. Says whether it was one.
    pub(super) fn hep(&mut self, at: PacketRef, outer: Flow, packet: &[u8]) -> bool {
        let hep = match hep::parse(packet, at.timestamp) {
            None => return false,
            Some(Ok(hep)) => hep,
            Some(Err(HepError::Compression)) => {
                self.not_decoded("HEP with a payload that can't be inflated");
                return true;
            }
            Some(Err(HepError::Incomplete)) => {
                self.not_decoded("HEP without addresses or payload");
                return true;
            }
        };
        let is_sip = crate::sip::looks_like_sip(&hep.payload);
        if hep.version < 3 && !is_sip {
            return false;
        }
        // What comes from a log came by no way.
        if !outer.src.ip.is_unspecified() {
            self.enter(Tunnel {
                kind: TunnelKind::Hep,
                src: outer.src.ip,
                dst: outer.dst.ip,
                key: hep.agent,
            });
        }
        // The agent knows best when it was, unless its clock is far off.
        let timestamp = hep
            .timestamp
            .filter(|own| own.since(at.timestamp).saturating_abs() < JUMP_NS)
            .unwrap_or(at.timestamp);
        let at = PacketRef { timestamp, ..at };
        if is_sip {
            let arrival = Arrival {
                packets: 1,
                is_cut: hep.is_cut,
            };
            self.sip(at, hep.flow, None, &hep.payload, arrival);
            return true;
        }
        let datagram = Datagram {
            flow: hep.flow,
            network: Network {
                src: hep.flow.src.ip,
                dst: hep.flow.dst.ip,
                ttl: 0,
                dscp: 0,
                identification: None,
            },
            payload: &hep.payload,
            truncated: hep.is_cut,
        };
        match hep.payload.first() {
            Some(0x80..=0xbf) if looks_like_rtcp(&hep.payload) => self.rtcp(at, &datagram),
            Some(0x80..=0xbf) => self.media_packet(at, &datagram),
            Some(b'{') => self.not_decoded("HEP with a report in JSON"),
            _ => self.not_decoded("HEP that holds no SIP, RTP or RTCP"),
        }
        true
    }
}
