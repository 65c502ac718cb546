//! What calls and STUN exchanges tell of how NATs are dealt with, noted as they
//! end.

use std::net::IpAddr;

use crate::engine::call::ClosedCall;
use crate::engine::stun_exchange::{Answer, StunExchange};
use crate::net::{Endpoint, is_private};
use crate::octets;
use crate::packet::PacketRef;
use crate::sdp::SessionDescription;
use crate::sip::SipMessage;

/// A check that nominated a pair (RFC 8445, 8.1.1).
#[derive(Clone, Copy, Debug)]
pub struct Nomination {
    /// Who nominated.
    pub from: Endpoint,
    /// Whom.
    pub to: Endpoint,
    /// How the nominator is seen there.
    pub mapped: Option<Endpoint>,
    /// The check.
    pub at: PacketRef,
}

/// An address for media in a session description.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// The address.
    pub endpoint: Endpoint,
    /// The message.
    pub at: PacketRef,
}

/// An allocation at a relay (RFC 8656, 7).
#[derive(Clone, Copy, Debug)]
pub struct Relay {
    /// Who asked.
    pub client: Endpoint,
    /// The relay.
    pub server: Endpoint,
    /// The request.
    pub at: PacketRef,
}

/// A third host that passes media on.
#[derive(Clone, Copy, Debug)]
pub struct MediaRelay {
    /// Who sends to it, or receives from it.
    pub host: Endpoint,
    /// The third.
    pub relay: IpAddr,
    /// Media on their way.
    pub at: PacketRef,
}

/// What was noted, bounded.
#[derive(Debug, Default)]
pub struct Usage {
    /// Pairs that were nominated.
    pub nominations: Vec<Nomination>,
    /// Addresses that were described.
    pub described: Vec<Described>,
    /// Allocations.
    pub relays: Vec<Relay>,
    /// Relays of media that no TURN made.
    pub media_relays: Vec<MediaRelay>,
    /// Notes for which there was no room.
    pub missed: u64,
}

/// Notes of a kind.
const MAX_NOTES: usize = 4096;

/// Keeps a note while there is room; hands back how many were not kept.
fn keep<T>(notes: &mut Vec<T>, note: T) -> u64 {
    let room = notes.len() < MAX_NOTES;
    if room {
        notes.push(note);
    }
    u64::from(!room)
}

impl Usage {
    /// A STUN exchange ended.
    pub fn exchange(&mut self, exchange: &StunExchange) {
        let well = exchange.answer == Some(Answer::Success);
        if well && exchange.use_candidate {
            let nomination = Nomination {
                from: exchange.flow.src,
                to: exchange.flow.dst,
                mapped: exchange.mapped_address,
                at: exchange.first,
            };
            self.missed += keep(&mut self.nominations, nomination);
        }
        if well && exchange.method == "allocate" {
            let relay = Relay {
                client: exchange.flow.src,
                server: exchange.flow.dst,
                at: exchange.first,
            };
            self.missed += keep(&mut self.relays, relay);
        }
    }

    /// An address was described.
    pub fn describe(&mut self, described: Described) {
        let known = |own: &Described| own.endpoint == described.endpoint;
        if !self.described.iter().rev().take(64).any(known) {
            self.missed += keep(&mut self.described, described);
        }
    }

    /// A call ended.
    pub fn call(&mut self, closed: &ClosedCall) {
        let call = &closed.call;
        for address in call.session.addresses.iter().filter(|own| own.own) {
            self.describe(Described {
                endpoint: address.endpoint,
                at: call.first,
            });
        }
        if closed.streams.is_empty() {
            return;
        }
        // A description that names neither who sent it nor who is called: media
        // go to a third.
        for kept in call.kept.iter() {
            let Some(message) = SipMessage::parse(&kept.octets) else {
                continue;
            };
            let contact = message.contact();
            let contact = contact.map(|own| octets::text(own.parsed_uri().host));
            let contact: Option<IpAddr> = contact.and_then(|host| host.parse().ok());
            let (Some(contact), Some(sdp)) = (contact, message.sdp()) else {
                continue;
            };
            let description = SessionDescription::parse(sdp);
            for relay in description.media.iter().filter_map(|own| own.connection) {
                // A phone inside may have learned its outside address by STUN.
                let is_known = relay == contact || relay == kept.flow.src.ip;
                if is_known || is_private(relay) || is_private(contact) {
                    continue;
                }
                let mut streams = closed.streams.iter();
                let stream = streams.find(|own| own.flow.dst.ip == relay);
                if let Some(stream) = stream {
                    let relay = MediaRelay {
                        host: stream.flow.src,
                        relay,
                        at: kept.at,
                    };
                    self.missed += keep(&mut self.media_relays, relay);
                }
            }
        }
        // The same packets on both sides of a host that is neither end.
        for to in &closed.streams {
            for from in &closed.streams {
                let is_passed_on = to.same_as.contains(&from.serial)
                    && to.flow.dst.ip == from.flow.src.ip
                    && to.flow.src.ip != from.flow.dst.ip;
                if !is_passed_on {
                    continue;
                }
                for host in [to.flow.src, from.flow.dst] {
                    let relay = MediaRelay {
                        host,
                        relay: to.flow.dst.ip,
                        at: to.first,
                    };
                    self.missed += keep(&mut self.media_relays, relay);
                }
            }
        }
    }

    /// Whether an address is a relay's.
    #[must_use]
    pub fn is_relay(&self, ip: IpAddr) -> bool {
        self.relays.iter().any(|own| own.server.ip == ip)
    }
}
