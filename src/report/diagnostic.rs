//! Diagnostics: what a rule found.

use schemars::JsonSchema;
use serde::Serialize;

use super::Point;

/// What a rule found, who must act, and what to do.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct DiagnosticRecord {
    pub id: String,
    /// Stable: `explain` tells more.
    pub code: String,
    pub name: String,
    /// `error warning info`.
    pub severity: String,
    /// The document that says so, and the section of it.
    pub rfc: Option<String>,
    pub section: Option<String>,
    pub subject: Subject,
    /// Who must act: `caller`, `callee`, `proxy`, or an address.
    pub party: Option<String>,
    /// The method of the message that shows it.
    pub method: Option<String>,
    pub message: String,
    /// The line of the message that shows it.
    pub quote: Option<QuoteRecord>,
    pub fix: String,
    /// Id of the diagnostic that it follows from.
    pub caused_by: Option<String>,
    pub call_id: Option<String>,
    /// Why it does not count: a reason from the configuration, or a baseline.
    pub suppressed_by: Option<String>,
    pub points: Vec<Point>,
    pub frames: Option<Vec<u32>>,
    /// 0 to 1; lower where the capture is known to lack packets.
    pub confidence: f64,
}

/// A line of a message, and the part of it that is meant.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct QuoteRecord {
    pub line: String,
    /// Where the part begins, in characters.
    pub at: u64,
    /// How long it is, in characters.
    pub length: u64,
}

/// What a diagnostic is about.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Subject {
    /// `call registration connection dns_lookup stun_exchange message`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id; that of a call without an index is its Call-ID.
    pub id: String,
}
