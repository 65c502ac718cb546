//! What is reported: the only serialised types. Field names are the contract
//! of every output format; each key is always present, `null` where looked for
//! and absent.

mod call;
mod connection;
mod diagnostic;
mod dns;
mod doctor;
mod ice;
mod message;
mod nat;
mod probe;
mod registration;
mod rule;
mod stats;
mod stream;
mod stun;
mod subscription;
mod summary;
mod transaction;
mod turn;

pub use call::{
    CallRecord, Cause, DialogRecord, ExchangeRecord, FaxRecord, FaxSignalRecord, FaxStreamRecord,
    LegRecord, MediaRecord, MsrpRecord, MsrpSideRecord, PathChangeRecord, PathRecord,
};
pub use connection::ConnectionRecord;
pub use diagnostic::{DiagnosticRecord, QuoteRecord, Subject};
pub use dns::{DnsLookupEntry, DnsLookupRecord};
pub use doctor::{Check, Examination};
pub use ice::{
    IceAgentRecord, IceCandidateRecord, IceChecksRecord, IceEndRecord, IceErrorRecord,
    IcePairRecord, IceSessionRecord,
};
pub use message::MessageRecord;
pub use nat::{NatEvidence, NatFindingRecord, NatMappingRecord, NatReport};
pub use probe::{
    AlgChange, AlgMeasurements, AlgTry, CallDirection, CallMeasurements, DnsMeasurements, DnsNode,
    DnsTarget, HopRecord, Measurements, NatMeasurements, OptionsMeasurements, PeerPrediction,
    Pings, ProbeBinding, ProbeEvidence, ProbeReport, ProbeStep, RegisterMeasurements,
    StunMeasurements, TlsEvidence, TurnMeasurements,
};
pub use registration::{BindingRecord, RegistrationEventRecord, RegistrationRecord};
pub use rule::RuleRecord;
pub use stats::{Ratio, Spread, StatsRecord};
pub use stream::{DtmfEvent, FarMetrics, StreamRecord};
pub use stun::StunExchangeRecord;
pub use subscription::SubscriptionRecord;
pub use summary::{
    CapturePointRecord, DiagnosticCounts, LimitRecord, Summary, TunnelCount, TunnelRecord,
};
pub use transaction::TransactionRecord;
pub use turn::{
    RelayedRecord, TurnAllocationRecord, TurnChannelRecord, TurnConnectionRecord, TurnErrorRecord,
    TurnMoveRecord, TurnPermissionRecord,
};

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
    /// A DNS look-up that leads to a SIP server, or is meant to.
    DnsLookup(Box<DnsLookupRecord>),
    /// A device at a registrar.
    Registration(Box<RegistrationRecord>),
    /// A subscription.
    Subscription(Box<SubscriptionRecord>),
    /// A transaction on one hop.
    Transaction(Box<TransactionRecord>),
    /// An RTP stream.
    RtpStream(Box<StreamRecord>),
    /// A STUN exchange.
    StunExchange(Box<StunExchangeRecord>),
    /// A TURN allocation.
    TurnAllocation(Box<TurnAllocationRecord>),
    /// An ICE session.
    IceSession(Box<IceSessionRecord>),
    /// A row of a NAT's translation table.
    NatMapping(Box<NatMappingRecord>),
    /// What is found about a NAT.
    NatFinding(Box<NatFindingRecord>),
    /// A SIP message.
    Message(Box<MessageRecord>),
    /// What a rule found.
    Diagnostic(Box<DiagnosticRecord>),
    /// A bound that was reached.
    Limit(LimitRecord),
    /// The whole run; always last.
    Summary(Box<Summary>),
}

impl Record {
    /// The array of the document in which it stands.
    #[must_use]
    pub const fn section(&self) -> &'static str {
        match self {
            Self::Call(_) => "calls",
            Self::Connection(_) => "connections",
            Self::DnsLookup(_) => "dns_lookups",
            Self::Registration(_) => "registrations",
            Self::Subscription(_) => "subscriptions",
            Self::Transaction(_) => "transactions",
            Self::RtpStream(_) => "rtp_streams",
            Self::StunExchange(_) => "stun_exchanges",
            Self::TurnAllocation(_) => "turn_allocations",
            Self::IceSession(_) => "ice_sessions",
            Self::NatMapping(_) => "nat_mappings",
            Self::NatFinding(_) => "nat_findings",
            Self::Message(_) => "messages",
            Self::Diagnostic(_) => "diagnostics",
            Self::Limit(_) => "limits",
            Self::Summary(_) => "summary",
        }
    }

    /// The Call-ID it belongs to, if any.
    #[must_use]
    pub fn call_id(&self) -> Option<&str> {
        match self {
            Self::Call(call) => Some(&call.call_id),
            Self::Connection(connection) => connection.call_id.as_deref(),
            Self::DnsLookup(lookup) => lookup.call_id.as_deref(),
            Self::Subscription(subscription) => Some(&subscription.call_id),
            Self::Transaction(transaction) => Some(&transaction.call_id),
            Self::RtpStream(stream) => stream.call_id.as_deref(),
            Self::StunExchange(exchange) => exchange.call_id.as_deref(),
            Self::TurnAllocation(allocation) => allocation.call_id.as_deref(),
            Self::IceSession(session) => session.call_id.as_deref(),
            Self::Message(message) => message.call_id.as_deref(),
            Self::Diagnostic(diagnostic) => diagnostic.call_id.as_deref(),
            Self::Registration(_)
            | Self::NatMapping(_)
            | Self::NatFinding(_)
            | Self::Limit(_)
            | Self::Summary(_) => None,
        }
    }

    /// The number at the end of its id, by which records of a section are
    /// ordered; calls stand by their index.
    #[must_use]
    pub fn place(&self) -> u64 {
        let id = match self {
            Self::Call(call) => return call.index,
            Self::Connection(connection) => &connection.id,
            Self::DnsLookup(lookup) => &lookup.id,
            Self::Registration(registration) => &registration.id,
            Self::Subscription(subscription) => &subscription.id,
            Self::Transaction(transaction) => &transaction.id,
            Self::RtpStream(stream) => &stream.id,
            Self::StunExchange(exchange) => &exchange.id,
            Self::TurnAllocation(allocation) => &allocation.id,
            Self::IceSession(session) => &session.id,
            Self::NatMapping(row) => &row.id,
            Self::NatFinding(finding) => &finding.id,
            Self::Message(message) => &message.id,
            Self::Diagnostic(diagnostic) => &diagnostic.id,
            Self::Limit(limit) => &limit.id,
            Self::Summary(_) => return u64::MAX,
        };
        id.rsplit('-')
            .next()
            .and_then(|number| number.parse().ok())
            .unwrap_or(u64::MAX)
    }

    /// Its fields alone, as they stand in the document.
    #[must_use]
    pub const fn fields(&self) -> Fields<'_> {
        Fields(self)
    }
}

/// The fields of a record, without its type.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(&'a Record);

impl Serialize for Fields<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Record::Call(call) => call.serialize(serializer),
            Record::Connection(connection) => connection.serialize(serializer),
            Record::DnsLookup(lookup) => {
                DnsLookupEntry::from(lookup.as_ref()).serialize(serializer)
            }
            Record::Registration(registration) => registration.serialize(serializer),
            Record::Subscription(subscription) => subscription.serialize(serializer),
            Record::Transaction(transaction) => transaction.serialize(serializer),
            Record::RtpStream(stream) => stream.serialize(serializer),
            Record::StunExchange(exchange) => exchange.serialize(serializer),
            Record::TurnAllocation(allocation) => allocation.serialize(serializer),
            Record::IceSession(session) => session.serialize(serializer),
            Record::NatMapping(row) => row.serialize(serializer),
            Record::NatFinding(finding) => finding.serialize(serializer),
            Record::Message(message) => message.serialize(serializer),
            Record::Diagnostic(diagnostic) => diagnostic.serialize(serializer),
            Record::Limit(limit) => limit.serialize(serializer),
            Record::Summary(summary) => summary.serialize(serializer),
        }
    }
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
    pub subscriptions: Vec<SubscriptionRecord>,
    /// Transactions outside dialogs; all of them where asked for.
    pub transactions: Vec<TransactionRecord>,
    /// RTP streams.
    pub rtp_streams: Vec<StreamRecord>,
    /// STUN exchanges.
    pub stun_exchanges: Vec<StunExchangeRecord>,
    /// TURN allocations.
    pub turn_allocations: Vec<TurnAllocationRecord>,
    /// ICE sessions.
    pub ice_sessions: Vec<IceSessionRecord>,
    /// Connections.
    pub connections: Vec<ConnectionRecord>,
    /// DNS look-ups.
    pub dns_lookups: Vec<DnsLookupEntry<'static>>,
    /// NAT mappings.
    pub nat_mappings: Vec<NatMappingRecord>,
    /// NAT findings.
    pub nat_findings: Vec<NatFindingRecord>,
    /// Diagnostics.
    pub diagnostics: Vec<DiagnosticRecord>,
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
