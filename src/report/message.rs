//! SIP messages.

use schemars::JsonSchema;
use serde::Serialize;

use super::TunnelRecord;

/// One SIP message as it was captured.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct MessageRecord {
    pub id: String,
    /// The frame that completed it.
    pub frame: u32,
    pub file: String,
    pub capture_point: String,
    pub timestamp: String,
    pub src_ip: String,
    pub src_port: u16,
    pub dst_ip: String,
    pub dst_port: u16,
    pub transport: String,
    /// Octets.
    pub length: usize,
    /// Packets that it came in.
    pub fragments: u32,
    /// `request` or `response`.
    pub kind: String,
    /// Of a response, the method of its CSeq.
    pub method: Option<String>,
    pub status: Option<u16>,
    pub reason_phrase: Option<String>,
    pub call_id: Option<String>,
    pub cseq: Option<u32>,
    pub from_tag: Option<String>,
    pub to_tag: Option<String>,
    pub branch: Option<String>,
    pub user_agent: Option<String>,
    /// The innermost tunnel that it came through.
    pub tunnel: Option<TunnelRecord>,
    /// What its session description says, in short.
    pub sdp: Option<String>,
    /// Header fields that were asked for.
    pub headers: std::collections::BTreeMap<String, String>,
    /// It was sent again.
    pub retransmission: bool,
    /// It was sent once and captured again.
    pub duplicate: bool,
}
