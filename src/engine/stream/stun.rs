//! STUN and TURN over TCP, and the streams of peers inside (RFC 6062).

use super::{Reading, TcpDirection};
use crate::engine::Engine;
use crate::engine::turn::{CONNECTION_BIND, Spliced};
use crate::link::{Datagram, Network, Tunnel, TunnelKind};
use crate::stun::{StunFramed, StunFramer, StunMessage};

impl Engine {
    /// STUN messages of a direction, and what TURN carries between them.
    pub(super) fn frame_stun(
        &mut self,
        direction: &mut TcpDirection,
        octets: &[u8],
        network: Option<Network>,
    ) {
        let Some(mut framer) = direction.stun.take() else {
            return;
        };
        framer.push(octets);
        if direction.binds && self.splice(direction, &mut framer, network) {
            return;
        }
        while let Some(framed) = framer.poll() {
            match framed {
                StunFramed::Message(octets) => {
                    if let Some(message) = StunMessage::parse(&octets) {
                        let (at, flow) = (direction.last, direction.carried());
                        direction.binds |= message.method == CONNECTION_BIND;
                        self.stun_message(at, flow, &message, None, network.as_ref(), 1);
                    }
                    if direction.binds && self.splice(direction, &mut framer, network) {
                        return;
                    }
                }
                StunFramed::Channel(octets) => {
                    let (at, flow) = (direction.last, direction.carried());
                    if !self.channel_data(at, flow, &octets, network.as_ref(), 1) {
                        self.not_decoded("TURN channel data");
                    }
                }
                StunFramed::NotPadded => {
                    self.not_padded(direction.last, direction.carried());
                }
                StunFramed::Media(octets) => self.framed_media(direction, &octets, network),
                StunFramed::Lost => {
                    self.abandon(direction);
                    return;
                }
            }
        }
        direction.stun = Some(framer);
    }

    /// A packet of media behind a length: what ICE sends over TCP (RFC 6544, 3; RFC 4571).
    fn framed_media(&mut self, direction: &TcpDirection, payload: &[u8], network: Option<Network>) {
        let flow = direction.carried();
        let datagram = Datagram {
            flow,
            network: network.unwrap_or(Network {
                src: flow.src.ip,
                dst: flow.dst.ip,
                ttl: 0,
                dscp: 0,
                identification: None,
            }),
            payload,
            truncated: false,
        };
        self.datagram(direction.last, &datagram, 1);
    }

    /// Behind a ConnectionBind come the octets of a peer, or those for it (RFC 6062, 4.3):
    /// a stream of its own. Says whether they begin here.
    fn splice(
        &mut self,
        direction: &mut TcpDirection,
        framer: &mut StunFramer,
        network: Option<Network>,
    ) -> bool {
        if direction.spliced.is_some() {
            return false;
        }
        let point = direction.last.capture_point;
        direction.spliced = self.spliced(point, direction.carried());
        if direction.spliced.is_none() {
            return false;
        }
        direction.reading = Reading::Probing(0);
        let rest = std::mem::take(framer).into_rest();
        if !rest.is_empty()
            && let Some(rest) = direction.first(&rest)
        {
            self.plain(direction, &rest, network);
        }
        true
    }

    /// Octets of a peer, or for one.
    pub(super) fn spliced_octets(
        &mut self,
        direction: &mut TcpDirection,
        own: Spliced,
        octets: &[u8],
        network: Option<Network>,
    ) {
        self.count_spliced(own, octets.len());
        let before = (self.tunnel, self.stretch);
        self.enter(Tunnel {
            kind: TunnelKind::Turn,
            src: direction.flow.src.ip,
            dst: direction.flow.dst.ip,
            key: None,
        });
        self.read(direction, octets, network);
        (self.tunnel, self.stretch) = before;
    }
}
