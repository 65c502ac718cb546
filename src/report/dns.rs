//! DNS look-ups.

use schemars::JsonSchema;
use serde::Serialize;

/// A look-up that leads to a SIP server, or is meant to (RFC 3263).
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct DnsLookupRecord {
    pub id: String,
    /// The name asked for.
    pub name: String,
    /// `NAPTR`, `SRV`, `A` or `AAAA`. In the document it is `type` as well,
    /// which names the kind of record elsewhere.
    pub qtype: String,
    /// `NOERROR`, `NXDOMAIN`, `SERVFAIL` and so on; `null` without an answer.
    pub rcode: Option<String>,
    /// What the records of the answer say, as in a zone file.
    pub answers: Vec<String>,
    /// The shortest time that an answer may be kept.
    pub ttl_s: Option<u32>,
    pub rtt_ms: Option<f64>,
    /// Times it was asked again.
    pub retries: u64,
    /// Whether the answer did not fit, so that it is asked again over TCP.
    pub truncated: bool,
    /// The call, registration or other request that it was made for.
    pub call_id: Option<String>,
    /// Who asks.
    pub src_ip: String,
    pub src_port: u16,
    /// The name server.
    pub dst_ip: String,
    pub dst_port: u16,
    pub started: String,
    pub capture_point: String,
    pub frames: Vec<u32>,
}

/// A look-up as it stands in the document.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DnsLookupEntry<'a> {
    /// The same as `qtype`.
    #[serde(rename = "type")]
    kind: &'a str,
    /// All else.
    #[serde(flatten)]
    record: std::borrow::Cow<'a, DnsLookupRecord>,
}

impl<'a> From<&'a DnsLookupRecord> for DnsLookupEntry<'a> {
    fn from(record: &'a DnsLookupRecord) -> Self {
        Self {
            kind: &record.qtype,
            record: std::borrow::Cow::Borrowed(record),
        }
    }
}
