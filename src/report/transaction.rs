//! Transactions.

use schemars::JsonSchema;
use serde::Serialize;

use super::Point;

/// A request and its responses on one hop.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct TransactionRecord {
    pub id: String,
    pub call_id: String,
    pub method: String,
    pub branch: Option<String>,
    pub cseq: u32,
    pub request_uri: Option<String>,
    pub src_ip: String,
    pub src_port: u16,
    pub dst_ip: String,
    pub dst_port: u16,
    pub transport: String,
    pub capture_point: String,
    pub started: Option<String>,
    pub first_response_ms: Option<f64>,
    pub final_ms: Option<f64>,
    pub final_status: Option<u16>,
    pub retransmissions: u64,
    pub received: Option<String>,
    pub rport: Option<u16>,
    /// From the final response of an INVITE to its ACK on the same branch.
    pub ack_ms: Option<f64>,
    /// An ICMP error that quotes the request.
    pub icmp: Option<String>,
    /// From the request to that error.
    pub icmp_ms: Option<f64>,
    /// Whether no final response came in 64*T1.
    pub timeout: bool,
    pub points: Vec<Point>,
    pub frames: Option<Vec<u32>>,
}
