//! Ports that hosts ask their NAT for.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::{Effort, Learned, MAX_NOTES, Translation};
use crate::engine::Engine;
use crate::link::Segment;
use crate::net::{Endpoint, Flow, Transport};
use crate::packet::{CapturePoint, PacketRef};
use crate::port_mapping::{self, Answer, GatewayRequest};

/// Gateways that told their outside address, and requests over UPnP that wait
/// for an answer.
#[derive(Debug, Default)]
pub(super) struct Gateways {
    addresses: HashMap<IpAddr, IpAddr, RandomState>,
    requests: HashMap<(CapturePoint, Flow), GatewayRequest, RandomState>,
}

/// Requests that wait at once; those that are not answered make room.
const MAX_REQUESTS: usize = 256;

impl Gateways {
    /// A gateway told its outside address. Says whether there was room.
    fn tells(&mut self, gateway: IpAddr, address: IpAddr) -> bool {
        let room = self.addresses.len() < MAX_NOTES || self.addresses.contains_key(&gateway);
        if room {
            self.addresses.insert(gateway, address);
        }
        room
    }
}

impl Engine {
    /// What comes from the port of NAT-PMP and PCP.
    pub(in crate::engine) fn nat_granted(&mut self, at: PacketRef, flow: Flow, octets: &[u8]) {
        let gateway = flow.src;
        let (what, transport, inside, outside) = match port_mapping::answer(octets) {
            Some(Answer::Address(ip)) => {
                let room = self.nat.gateways.tells(gateway.ip, ip.into());
                return self.nat_noted(room);
            }
            Some(Answer::Port {
                transport,
                inside,
                outside,
            }) => {
                let ip = self.nat.gateways.addresses.get(&gateway.ip);
                let outside = ip.map(|ip| Endpoint::new(*ip, outside));
                ("nat-pmp", transport, inside, outside)
            }
            Some(Answer::Mapping {
                transport,
                inside,
                outside,
            }) => ("pcp", transport, inside, Some(outside)),
            None => return,
        };
        let inside = Endpoint::new(flow.dst.ip, inside);
        self.nat_mapped_port(at, what, transport, (inside, outside), gateway);
    }

    /// A segment that may ask a gateway over UPnP for a port, or answer that.
    #[inline]
    pub(in crate::engine) fn nat_gateway(&mut self, at: PacketRef, segment: &Segment<'_>) {
        let key = (at.capture_point, segment.flow);
        let begins = GatewayRequest::may_begin(segment.payload);
        if (self.nat.gateways.requests.is_empty() && !begins) || segment.payload.is_empty() {
            return;
        }
        if begins {
            let requests = &mut self.nat.gateways.requests;
            let room = requests.len() < MAX_REQUESTS;
            if !room {
                requests.clear();
            }
            requests.insert(key, GatewayRequest::default());
            self.nat_noted(room);
        }
        let requests = &mut self.nat.gateways.requests;
        if let Some(request) = requests.get_mut(&key) {
            request.read(segment.payload);
            return;
        }
        let key = (at.capture_point, segment.flow.reversed());
        let Some(request) = requests.get(&key).copied() else {
            return;
        };
        let gateway = segment.flow.src;
        if let Some(ip) = port_mapping::gateway_address(segment.payload) {
            let room = self.nat.gateways.tells(gateway.ip, ip);
            self.nat_noted(room);
        }
        if !request.adds || !port_mapping::is_granted(segment.payload) {
            return;
        }
        self.nat.gateways.requests.remove(&key);
        let (Some(transport), Some(inside)) = (request.transport, request.inside) else {
            return;
        };
        let client = request.client.unwrap_or(segment.flow.dst.ip);
        let ip = self.nat.gateways.addresses.get(&gateway.ip);
        let outside = ip.zip(request.outside);
        let outside = outside.map(|(ip, port)| Endpoint::new(*ip, port));
        let inside = Endpoint::new(client, inside);
        self.nat_mapped_port(at, "upnp", transport, (inside, outside), gateway);
    }

    /// Counts what is not noted for want of room.
    pub(super) fn nat_noted(&mut self, room: bool) {
        if !room {
            self.nat.missed = self.nat.missed.saturating_add(1);
        }
    }

    fn nat_mapped_port(
        &mut self,
        at: PacketRef,
        what: &'static str,
        transport: Transport,
        (inside, outside): (Endpoint, Option<Endpoint>),
        gateway: Endpoint,
    ) {
        self.nat.effort(Effort {
            host: inside,
            with: gateway,
            what,
            at,
        });
        if let Some(outside) = outside {
            let found = Translation {
                transport,
                inside,
                outside,
                remote: None,
            };
            self.nat_learn(found, Learned::Granted, at);
        }
    }
}
