//! The whole run.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

/// What the run saw.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct Summary {
    pub files: Vec<String>,
    pub capture_points: Vec<CapturePointRecord>,
    pub packets: u64,
    /// Octets on the wire.
    pub bytes: u64,
    pub first_timestamp: Option<String>,
    pub last_timestamp: Option<String>,
    pub duration_s: Option<f64>,
    /// Whether everything in the input was read and kept.
    pub complete: bool,
    pub incomplete_reasons: Vec<String>,
    /// Tunnels that packets came through.
    pub tunnels: Vec<TunnelCount>,
    /// Packets read no further, by reason.
    pub not_decoded: BTreeMap<String, u64>,
    /// All SIP messages, copies included.
    pub sip_messages: u64,
    pub requests: BTreeMap<String, u64>,
    pub responses: BTreeMap<String, u64>,
    pub retransmissions: u64,
    pub duplicates: u64,
    pub keep_alives: u64,
    pub calls: u64,
    pub outcomes: BTreeMap<String, u64>,
    pub registrations: u64,
    pub subscriptions: u64,
    pub rtp_streams: u64,
    pub rtp_packets: u64,
    pub rtcp_packets: u64,
    /// Packets of fax (T.38).
    pub udptl_packets: u64,
    /// Messages of MSRP, answers among them.
    pub msrp_messages: u64,
    pub stun_messages: u64,
    pub stun_exchanges: u64,
    pub turn_allocations: u64,
    pub ice_sessions: u64,
    pub connections: u64,
    pub dns_messages: u64,
    /// Those that lead to SIP servers, or are meant to.
    pub dns_lookups: u64,
    pub diagnostics: DiagnosticCounts,
}

/// Where packets were captured.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct CapturePointRecord {
    pub file: String,
    pub interface: String,
    pub link_type: String,
    pub packets: u64,
    /// Packets that the capturing system dropped, where the file says.
    pub dropped: Option<u64>,
}

/// A tunnel: packets came within those that two addresses sent each other.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct TunnelRecord {
    /// `ip gre erspan vxlan geneve gtp-u l2tp mpls hep turn`.
    pub kind: String,
    pub src_ip: String,
    pub dst_ip: String,
    /// What tells it from others between the two: a network identifier, a key, a
    /// session, an agent's number.
    pub key: Option<u32>,
}

/// A tunnel and what came through it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct TunnelCount {
    #[serde(flatten)]
    pub tunnel: TunnelRecord,
    pub packets: u64,
}

/// Diagnostics by severity.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct DiagnosticCounts {
    pub error: u64,
    pub warning: u64,
    pub info: u64,
}

/// A bound that was reached.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct LimitRecord {
    pub id: String,
    pub limit: String,
    /// How often.
    pub count: u64,
    pub first_at: String,
    /// Whether results are missing for it.
    pub costs_results: bool,
}
