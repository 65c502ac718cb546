//! Where a URI leads.

use schemars::JsonSchema;
use serde::Serialize;

/// Where a URI leads, as DNS says.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct DnsMeasurements {
    /// Who was asked.
    pub resolver: String,
    /// URIs that a number leads to, the best first.
    pub uris: Vec<String>,
    /// Whether nothing but TLS will do.
    pub is_secure: bool,
    /// Names of which a certificate must bear one (RFC 5922, 7.1).
    pub certificate_names: Vec<String>,
    /// Targets, in the order in which they are to be tried.
    pub targets: Vec<DnsTarget>,
    /// Services that are said not to be there.
    pub refused_services: Vec<String>,
    /// What was asked, and what that led to.
    pub tree: Vec<DnsNode>,
    /// Whether more would have been asked than may be.
    pub is_cut: bool,
}

/// One target.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DnsTarget {
    /// `udp tcp tls sctp ws wss`.
    pub transport: String,
    /// Its host.
    pub host: String,
    /// Its address.
    pub ip: String,
    /// Its port.
    pub port: u16,
    /// Of SRV: the lowest is tried first.
    pub priority: Option<u16>,
    /// Of SRV.
    pub weight: Option<u16>,
    /// The share of those with its priority that its host gets.
    pub share: Option<f64>,
    /// For how long its address holds.
    pub ttl_s: Option<u32>,
    /// What led to it.
    pub by: String,
}

/// A question, and what it led to.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DnsNode {
    /// What was asked about.
    pub name: String,
    /// `NAPTR SRV A AAAA`.
    pub kind: String,
    /// Why it was asked.
    pub why: String,
    /// `NOERROR NODATA NXDOMAIN SERVFAIL silent` and so on.
    pub outcome: String,
    /// For how long the answer holds.
    pub ttl_s: Option<u32>,
    /// How long it took.
    pub rtt_ms: Option<f64>,
    /// The records.
    pub answers: Vec<String>,
    /// What was asked because of it.
    pub children: Vec<Self>,
}
