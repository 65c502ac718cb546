//! A TURN server as it relays.

use schemars::JsonSchema;
use serde::Serialize;

use super::CallDirection;
use crate::report::Spread;

/// A TURN server as it relays.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct TurnMeasurements {
    /// Where it was reached.
    pub server: Option<String>,
    /// Over what the client reached it.
    pub transport: String,
    /// The address of the host itself.
    pub local_address: Option<String>,
    /// The address that the server saw.
    pub mapped_address: Option<String>,
    /// The address that it relays from.
    pub relayed_address: Option<String>,
    /// The peer's address, as the relay sees it.
    pub peer_address: Option<String>,
    /// The server's name.
    pub software: Option<String>,
    /// Another server that is to be asked.
    pub alternate_server: Option<String>,
    /// Challenges met before the allocation.
    pub challenges: u64,
    /// Whether no password was asked for.
    pub is_open: bool,
    /// The realm of the challenge.
    pub realm: Option<String>,
    /// The code of the last refusal.
    pub error_code: Option<u16>,
    /// For how long an allocation is granted.
    pub lifetime_s: Option<u32>,
    /// From the first request to the allocation.
    pub allocate_ms: Option<f64>,
    /// For the peer's permission.
    pub permission_ms: Option<f64>,
    /// From the first request to the first packet of the peer.
    pub first_ms: Option<f64>,
    /// Whether a permission for the server itself was refused; if not, it relays into
    /// itself.
    pub loopback_refused: Option<bool>,
    /// Whether data of the peer came by indications.
    pub from_peer_by_indication: Option<bool>,
    /// Whether data for the peer went by indications.
    pub to_peer_by_indication: Option<bool>,
    /// Whether a channel was bound.
    pub channel: Option<bool>,
    /// To the peer, through the channel.
    pub to_peer: CallDirection,
    /// From the peer.
    pub from_peer: CallDirection,
    /// Through the relay to the peer, and back.
    pub rtt_ms: Option<Spread>,
    /// Whether the allocation was refreshed.
    pub refreshed: Option<bool>,
    /// Whether it was given back.
    pub released: Option<bool>,
    /// Whether nothing was relayed after that.
    pub silent_after: Option<bool>,
}
