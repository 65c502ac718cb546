//! TURN allocations.

use schemars::JsonSchema;
use serde::Serialize;

/// An allocation at a TURN server (RFC 8656).
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct TurnAllocationRecord {
    pub id: String,
    pub transport: String,
    /// `udp` or `tcp`: what it relays.
    pub relays: String,
    /// The client.
    pub src_ip: String,
    pub src_port: u16,
    /// The server.
    pub dst_ip: String,
    pub dst_port: u16,
    /// `active released expired failed challenged no-answer`.
    pub state: String,
    /// The address that it gives the client.
    pub relayed_ip: Option<String>,
    pub relayed_port: Option<u16>,
    /// Where the server sees the client.
    pub mapped_ip: Option<String>,
    pub mapped_port: Option<u16>,
    pub username: Option<String>,
    pub realm: Option<String>,
    pub software: Option<String>,
    pub started: String,
    pub granted: Option<String>,
    pub released: Option<String>,
    pub lifetime_s: Option<u32>,
    pub refreshes: u64,
    pub last_refresh: Option<String>,
    /// Requests that were asked for credentials, or for new ones.
    pub challenges: u64,
    pub errors: Vec<TurnErrorRecord>,
    pub permissions: Vec<TurnPermissionRecord>,
    pub channels: Vec<TurnChannelRecord>,
    /// Connections to peers, where it relays TCP (RFC 6062).
    pub connections: Vec<TurnConnectionRecord>,
    /// How its client moved to where it is now (RFC 8016).
    pub moves: Vec<TurnMoveRecord>,
    /// What the client sent through it.
    pub to_peers: RelayedRecord,
    /// What came for the client.
    pub from_peers: RelayedRecord,
    /// Packets of channels whose binding was not captured.
    pub unknown_channel_packets: u64,
    /// The call whose media it relays.
    pub call_id: Option<String>,
    pub capture_point: String,
}

/// An error, challenges aside.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct TurnErrorRecord {
    pub method: String,
    pub code: u16,
    pub count: u64,
}

/// A peer that may send through it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct TurnPermissionRecord {
    pub peer_ip: String,
    pub granted: String,
    pub last_refresh: String,
}

/// A channel to a peer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct TurnChannelRecord {
    pub number: u16,
    pub peer_ip: String,
    pub peer_port: u16,
    pub granted: String,
    pub last_refresh: String,
}

/// A connection to a peer over TCP.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct TurnConnectionRecord {
    /// The server's number for it.
    pub id: u32,
    pub peer_ip: String,
    pub peer_port: u16,
    /// Whether the peer opened it.
    pub incoming: bool,
    pub opened: String,
    /// When the server tied a connection of the client to it.
    pub bound: Option<String>,
    /// The port of that connection at the client.
    pub src_port: Option<u16>,
    pub bytes_to_peer: u64,
    pub bytes_from_peer: u64,
}

/// A client that went on from another address.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct TurnMoveRecord {
    pub at: String,
    /// Where it was before.
    pub from_ip: String,
    pub from_port: u16,
}

/// What passed in one direction.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RelayedRecord {
    /// Packets in Send or Data indications.
    pub indications: u64,
    /// Packets in channels.
    pub channel_packets: u64,
    /// Octets of both, without what TURN adds.
    pub bytes: u64,
}
