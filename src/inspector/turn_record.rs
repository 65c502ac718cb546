//! TURN allocations as records.

use super::scribe::Scribe;
use crate::engine::turn::{Relayed, TurnAllocation};
use crate::report::{
    RelayedRecord, TurnAllocationRecord, TurnChannelRecord, TurnConnectionRecord, TurnErrorRecord,
    TurnMoveRecord, TurnPermissionRecord,
};
use crate::stun;
use crate::time::Timestamp;

impl Scribe {
    pub(super) fn turn_allocation(
        &self,
        allocation: TurnAllocation,
        now: Timestamp,
    ) -> TurnAllocationRecord {
        let stamp = |at: Timestamp| self.stamp(allocation.capture_point, at);
        TurnAllocationRecord {
            id: format!("turn-{}", allocation.serial + 1),
            transport: allocation.flow.transport.name().to_owned(),
            relays: if allocation.is_tcp { "tcp" } else { "udp" }.to_owned(),
            src_ip: allocation.flow.src.ip.to_string(),
            src_port: allocation.flow.src.port,
            dst_ip: allocation.flow.dst.ip.to_string(),
            dst_port: allocation.flow.dst.port,
            state: allocation.state(now).to_owned(),
            relayed_ip: allocation.relayed.map(|own| own.ip.to_string()),
            relayed_port: allocation.relayed.map(|own| own.port),
            mapped_ip: allocation.mapped.map(|own| own.ip.to_string()),
            mapped_port: allocation.mapped.map(|own| own.port),
            started: stamp(allocation.first.timestamp),
            granted: allocation.granted.map(stamp),
            released: allocation.released.map(stamp),
            lifetime_s: allocation.lifetime_s,
            refreshes: allocation.refreshes,
            last_refresh: (allocation.refreshed.filter(|_| allocation.refreshes > 0)).map(stamp),
            challenges: allocation.challenges,
            errors: (allocation.errors.iter())
                .map(|(method, code, count)| TurnErrorRecord {
                    method: stun::method_name(*method)
                        .map_or_else(|| format!("{method:#05x}"), str::to_owned),
                    code: *code,
                    count: *count,
                })
                .collect(),
            permissions: (allocation.permissions.iter())
                .map(|own| TurnPermissionRecord {
                    peer_ip: own.ip.to_string(),
                    granted: stamp(own.granted),
                    last_refresh: stamp(own.refreshed),
                })
                .collect(),
            channels: (allocation.channels.iter())
                .map(|own| TurnChannelRecord {
                    number: own.number,
                    peer_ip: own.peer.ip.to_string(),
                    peer_port: own.peer.port,
                    granted: stamp(own.granted),
                    last_refresh: stamp(own.refreshed),
                })
                .collect(),
            connections: (allocation.connections.iter())
                .map(|own| TurnConnectionRecord {
                    id: own.id,
                    peer_ip: own.peer.ip.to_string(),
                    peer_port: own.peer.port,
                    incoming: own.is_incoming,
                    opened: stamp(own.opened),
                    bound: own.bound.map(stamp),
                    src_port: own.flow.map(|flow| flow.src.port),
                    bytes_to_peer: own.to_peer,
                    bytes_from_peer: own.from_peer,
                })
                .collect(),
            moves: (allocation.moves.iter())
                .map(|own| TurnMoveRecord {
                    at: stamp(own.at.timestamp),
                    from_ip: own.from.ip.to_string(),
                    from_port: own.from.port,
                })
                .collect(),
            to_peers: relayed(allocation.to_peers),
            from_peers: relayed(allocation.from_peers),
            unknown_channel_packets: allocation.unknown,
            capture_point: self.place_of(allocation.capture_point),
            call_id: allocation.call_id,
            username: allocation.username,
            realm: allocation.realm,
            software: allocation.software,
        }
    }
}

const fn relayed(own: Relayed) -> RelayedRecord {
    RelayedRecord {
        indications: own.indications,
        channel_packets: own.channel,
        bytes: own.octets,
    }
}
