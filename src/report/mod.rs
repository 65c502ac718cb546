//! What is reported: the only serialised types. Field names are the contract
//! of every output format; each key is always present, `null` where looked for
//! and absent.

mod call;
mod connection;
mod message;
mod registration;
mod stats;
mod stream;
mod stun;
mod summary;
mod transaction;

pub use call::{CallRecord, Cause, DialogRecord, ExchangeRecord, LegRecord, MediaRecord};
pub use connection::ConnectionRecord;
pub use message::MessageRecord;
pub use registration::{BindingRecord, RegistrationEventRecord, RegistrationRecord};
pub use stats::{Ratio, Spread, StatsRecord};
pub use stream::{DtmfEvent, StreamRecord};
pub use stun::StunExchangeRecord;
pub use summary::{CapturePointRecord, DiagnosticCounts, LimitRecord, Summary};
pub use transaction::TransactionRecord;

use schemars::JsonSchema;
use serde::Serialize;

/// The version of the field names.
pub const SCHEMA: &str = "sip-inspect/1";

/// One line of a report.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// A call.
    Call(Box<CallRecord>),
    /// A connection that carries SIP, or tries to.
    Connection(Box<ConnectionRecord>),
    /// A device at a registrar.
    Registration(Box<RegistrationRecord>),
    /// A transaction on one hop.
    Transaction(Box<TransactionRecord>),
    /// An RTP stream.
    RtpStream(Box<StreamRecord>),
    /// A STUN exchange.
    StunExchange(Box<StunExchangeRecord>),
    /// A SIP message.
    Message(Box<MessageRecord>),
    /// A bound that was reached.
    Limit(LimitRecord),
    /// The whole run; always last.
    Summary(Box<Summary>),
}

/// Frames of one capture point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Point {
    /// The file.
    pub file: String,
    /// The interface, by name or number.
    pub interface: String,
    /// Frame numbers as in Wireshark, at most 200.
    pub frames: Vec<u32>,
    /// How many frames there are in all.
    pub frames_total: u64,
}

/// A finding that the records can't support, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NotJudged {
    /// The field.
    pub field: String,
    /// Why it says nothing.
    pub reason: String,
}

/// An object whose kind comes with a later version; none is made yet.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Reserved {}

/// The whole report as one document.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Document {
    /// The version of the field names: `sip-inspect/1`.
    pub schema: String,
    /// Calls.
    pub calls: Vec<CallRecord>,
    /// Registrations.
    pub registrations: Vec<RegistrationRecord>,
    /// Subscriptions.
    pub subscriptions: Vec<Reserved>,
    /// Transactions outside dialogs; all of them where asked for.
    pub transactions: Vec<TransactionRecord>,
    /// RTP streams.
    pub rtp_streams: Vec<StreamRecord>,
    /// STUN exchanges.
    pub stun_exchanges: Vec<StunExchangeRecord>,
    /// TURN allocations.
    pub turn_allocations: Vec<Reserved>,
    /// ICE sessions.
    pub ice_sessions: Vec<Reserved>,
    /// Connections.
    pub connections: Vec<ConnectionRecord>,
    /// DNS look-ups.
    pub dns_lookups: Vec<Reserved>,
    /// NAT mappings.
    pub nat_mappings: Vec<Reserved>,
    /// NAT findings.
    pub nat_findings: Vec<Reserved>,
    /// Diagnostics.
    pub diagnostics: Vec<Reserved>,
    /// Bounds that were reached.
    pub limits: Vec<LimitRecord>,
    /// SIP messages, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<MessageRecord>>,
    /// The whole run.
    pub summary: Summary,
}

impl Document {
    /// The arrays of a document, in order, with the record type that fills
    /// each; `messages` comes only where asked for.
    pub const SECTIONS: [&str; 14] = [
        "calls",
        "registrations",
        "subscriptions",
        "transactions",
        "rtp_streams",
        "stun_exchanges",
        "turn_allocations",
        "ice_sessions",
        "connections",
        "dns_lookups",
        "nat_mappings",
        "nat_findings",
        "diagnostics",
        "limits",
    ];
}

/// Milliseconds with the precision of microseconds.
#[must_use]
pub fn milliseconds(nanoseconds: i64) -> f64 {
    rounded(crate::time::millis(nanoseconds), 3)
}

/// A number with so many decimals, never a negative zero.
#[must_use]
pub fn rounded(number: f64, decimals: i32) -> f64 {
    let factor = 10_f64.powi(decimals);
    (number * factor).round() / factor + 0.0
}
