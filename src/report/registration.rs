//! Registrations.

use schemars::JsonSchema;
use serde::Serialize;

/// A device at a registrar, for one address of record.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct RegistrationRecord {
    pub id: String,
    pub call_ids: Vec<String>,
    pub address_of_record: String,
    pub registrar_ip: String,
    pub registrar_port: u16,
    pub source_ip: String,
    pub source_port: u16,
    /// From where it is seen to come: by a server, or beyond a NAT.
    pub received_ip: Option<String>,
    pub received_port: Option<u16>,
    pub contact: Option<String>,
    pub instance: Option<String>,
    pub user_agent: Option<String>,
    /// At the end: `registered unregistered expired challenged failed pending`.
    pub state: String,
    pub last_status: Option<u16>,
    pub expires_requested_s: Option<u64>,
    pub expires_granted_s: Option<u64>,
    /// Times it was granted after the first.
    pub refreshes: u64,
    pub refresh_interval_s: Option<f64>,
    /// The longest time that it had run out before it was refreshed.
    pub gap_s: Option<f64>,
    /// Attempts that were answered otherwise than by a challenge.
    pub attempts: u64,
    /// Those of them that failed.
    pub failures: u64,
    pub challenges: u64,
    pub auth_failures: u64,
    pub auth_user: Option<String>,
    pub auth_realm: Option<String>,
    pub auth_algorithm: Option<String>,
    /// Whether a nonce was refused as too old.
    pub stale: bool,
    /// From the first REGISTER of the last attempt to its 200.
    pub register_delay_ms: Option<f64>,
    /// Mean time between keep-alives of the device, or else of the server.
    pub keepalive_interval_s: Option<f64>,
    /// Keep-alives of both (RFC 5626, 3.5).
    pub keepalives: u64,
    pub bindings: Vec<BindingRecord>,
    /// The first so many.
    pub events: Vec<RegistrationEventRecord>,
    pub events_total: u64,
    pub started: String,
    /// Ids of its diagnostics.
    pub diagnostics: Vec<String>,
}

/// A binding that the registrar listed last.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct BindingRecord {
    pub contact: String,
    pub expires_s: Option<u64>,
    /// Whose it is: `own` or `other`.
    pub source: String,
}

/// Something that happened to it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct RegistrationEventRecord {
    pub at: String,
    /// `register unregister challenged refused granted refreshed removed failed`.
    pub kind: String,
    pub status: Option<u16>,
    pub frame: u32,
}
