//! STUN exchanges.

use schemars::JsonSchema;
use serde::Serialize;

/// A request with its retransmissions and its response, or an indication.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct StunExchangeRecord {
    pub id: String,
    /// Hexadecimal: 24 digits, or 32 of RFC 3489.
    pub transaction_id: String,
    /// `binding allocate refresh send data create-permission channel-bind ...`.
    pub method: String,
    pub transport: String,
    pub src_ip: String,
    pub src_port: u16,
    pub dst_ip: String,
    pub dst_port: u16,
    /// `success error no-response pending indication no-request`.
    pub outcome: String,
    pub error_code: Option<u16>,
    /// The reflexive address, `ip:port`.
    pub mapped_address: Option<String>,
    pub mapped_ip: Option<String>,
    pub mapped_port: Option<u16>,
    pub other_address: Option<String>,
    pub response_origin: Option<String>,
    /// Who answered, where it is not who was asked (RFC 5780).
    pub answered_from: Option<String>,
    /// From the last copy of the request to the response.
    pub rtt_ms: Option<f64>,
    pub retransmissions: u64,
    pub username: Option<String>,
    pub realm: Option<String>,
    pub software: Option<String>,
    /// Of whoever asks: `controlling` or `controlled`.
    pub ice_role: Option<String>,
    pub use_candidate: bool,
    /// The ICE session whose check it is.
    pub ice_session: Option<String>,
    /// Messages whose FINGERPRINT is wrong.
    pub bad_fingerprints: u64,
    pub started: String,
    pub call_id: Option<String>,
    pub capture_point: String,
    pub frames: Vec<u32>,
}
