//! Connections.

use schemars::JsonSchema;
use serde::Serialize;

/// A TCP or TLS connection that carries SIP, or tries to; a DTLS association
/// that protects the media of a call.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct ConnectionRecord {
    pub id: String,
    /// `tcp tls ws wss dtls`.
    pub transport: String,
    /// The client.
    pub src_ip: String,
    pub src_port: u16,
    pub dst_ip: String,
    pub dst_port: u16,
    pub started: String,
    pub ended: Option<String>,
    /// From the SYN to its answer.
    pub connect_ms: Option<f64>,
    /// `open closed refused no-answer`.
    pub state: String,
    /// `client` or `server`.
    pub closed_by: Option<String>,
    pub syn_retransmissions: u64,
    /// The server's name, as the client gives it.
    pub sni: Option<String>,
    /// The protocol chosen, or those offered.
    pub alpn: Option<String>,
    pub tls_version: Option<String>,
    pub alert: Option<String>,
    pub cert_subject: Option<String>,
    pub cert_names: Vec<String>,
    pub cert_not_after: Option<String>,
    pub sip_messages: u64,
    pub keepalives: u64,
    /// Protected TLS records that were decrypted.
    pub encrypted_decoded: u64,
    /// Those that could not be.
    pub encrypted_not_decoded: u64,
    /// Why the first of these could not.
    pub not_decoded_reason: Option<String>,
    /// The call whose media it protects.
    pub call_id: Option<String>,
    pub capture_point: String,
}
