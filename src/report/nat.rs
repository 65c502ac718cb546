//! NATs: rows of the translation table, and what is found about them.

use schemars::JsonSchema;
use serde::Serialize;

/// One row: an inside endpoint as one remote sees it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct NatMappingRecord {
    pub id: String,
    /// `udp` or `tcp`.
    pub protocol: String,
    /// As the host knows itself.
    pub inside_ip: String,
    pub inside_port: u16,
    /// As the remote sees it.
    pub outside_ip: String,
    pub outside_port: u16,
    /// Toward whom; `null` where the host alone spoke of it.
    pub remote_ip: Option<String>,
    pub remote_port: Option<u16>,
    pub first: String,
    pub last: String,
    /// Packets by it; `null` for TCP, whose packets are not counted.
    pub packets_out: Option<u64>,
    pub packets_in: Option<u64>,
    /// `same-packet same-packet-in stun via ice-candidate via-claim sdp`.
    pub learned_by: Vec<String>,
    /// 0 to 1.
    pub confidence: f64,
}

/// A verdict about a NAT, a host behind one, or a way through.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct NatFindingRecord {
    pub id: String,
    /// `NAT001` to `NAT018`: `explain` tells more.
    pub code: String,
    pub name: String,
    /// `error warning info`.
    pub severity: String,
    /// A host, a NAT by its outside addresses and its inside network, or a call.
    pub subject: String,
    /// The verdict for machines.
    pub value: Option<String>,
    /// All parts of it.
    pub values: Vec<String>,
    /// The verdict for people.
    pub message: String,
    /// 0 to 1; 0 where there is not enough evidence.
    pub confidence: f64,
    pub evidence: Vec<NatEvidence>,
}

/// All that is told of NATs.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct NatReport {
    /// The version of the field names: `sip-inspect/1`.
    pub schema: String,
    /// Rows of the translation tables.
    pub nat_mappings: Vec<NatMappingRecord>,
    /// What is found.
    pub nat_findings: Vec<NatFindingRecord>,
}

/// A packet, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct NatEvidence {
    pub file: String,
    pub frame: u32,
    pub says: String,
}
