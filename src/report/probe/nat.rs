//! A NAT as it behaves.

use schemars::JsonSchema;
use serde::Serialize;

/// A NAT as it behaves (RFC 4787).
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct NatMeasurements {
    /// The server that was asked.
    pub server: Option<String>,
    /// Its other address (RFC 5780).
    pub other_address: Option<String>,
    /// The address of the host itself.
    pub local_address: Option<String>,
    /// The address that the server saw.
    pub mapped_address: Option<String>,
    /// Whether they differ.
    pub is_translated: Option<bool>,
    /// How it maps: `endpoint-independent address-dependent
    /// address-and-port-dependent unknown`.
    pub mapping: String,
    /// What is still possible.
    pub mapping_values: Vec<String>,
    /// How it maps TCP, where that was asked.
    pub tcp_mapping: Option<String>,
    /// What it lets in, in the same words.
    pub filtering: String,
    /// What is still possible.
    pub filtering_values: Vec<String>,
    /// What RFC 3489 would call it.
    pub nickname: Option<String>,
    /// `port-preserving sequential random unknown`.
    pub allocation: String,
    /// The share of sockets whose port is kept.
    pub port_preservation: Option<f64>,
    /// Whether even stays even and odd stays odd.
    pub port_parity: Option<bool>,
    /// Whether neighbours stay neighbours.
    pub port_contiguity: Option<bool>,
    /// `paired arbitrary unknown`: whether the host keeps one outside address.
    pub pooling: String,
    /// `yes no unknown`: whether hosts inside reach each other by outside
    /// addresses.
    pub hairpinning: String,
    /// How long an unused binding lives at least, in seconds.
    pub lifetime_at_least_s: Option<u64>,
    /// By when it is gone, in seconds.
    pub lifetime_at_most_s: Option<u64>,
    /// `yes no unknown`: whether fragments pass both ways.
    pub fragments: String,
    /// Whether something rewrites addresses in payloads.
    pub is_rewritten: bool,
    /// Why something is not known.
    pub not_judged: Vec<String>,
    /// What to expect toward each kind of peer.
    pub toward: Vec<PeerPrediction>,
}

/// What to expect of both sides sending to each other.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PeerPrediction {
    /// How the peer's NAT maps.
    pub mapping: String,
    /// What it lets in.
    pub filtering: String,
    /// `direct one-way impossible`.
    pub outcome: String,
}
