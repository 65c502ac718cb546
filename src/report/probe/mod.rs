//! What a probe found.

mod alg;
mod call;
mod dns;
mod nat;
mod turn;

use schemars::JsonSchema;
use serde::Serialize;

pub use self::alg::{AlgChange, AlgMeasurements, AlgTry};
pub use self::call::{CallDirection, CallMeasurements};
pub use self::dns::{DnsMeasurements, DnsNode, DnsTarget};
pub use self::nat::{NatMeasurements, PeerPrediction};
pub use self::turn::TurnMeasurements;
use super::{DiagnosticRecord, Spread, rounded};
use crate::net::Endpoint;

/// The answer of a probe.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProbeReport {
    /// The version of the field names.
    pub schema: String,
    /// Which probe: `stun`, `nat`, `options`, `register`.
    pub probe: String,
    /// Whom it asked, as it was named.
    pub target: String,
    /// In a word.
    pub verdict: String,
    /// The exit status.
    pub exit: u8,
    /// What was tried, in order.
    pub steps: Vec<ProbeStep>,
    /// What was measured.
    pub measurements: Measurements,
    /// What that rests on.
    pub evidence: ProbeEvidence,
}

/// One thing that was tried.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProbeStep {
    /// What.
    pub name: String,
    /// `answered`, `silent`, `refused`, `skipped`.
    pub outcome: String,
    /// To whom.
    pub to: Option<String>,
    /// What came of it, for people.
    pub says: String,
    /// How often it was sent.
    pub sent: u64,
    /// From the last copy sent to its answer.
    pub rtt_ms: Option<f64>,
}

/// What a verdict rests on.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct ProbeEvidence {
    /// Packets sent.
    pub packets_sent: u64,
    /// Packets received.
    pub packets_received: u64,
    /// Datagrams that answered nothing that was asked.
    pub strays: u64,
    /// Where all packets were written to.
    pub capture: Option<String>,
    /// Why it was ended before it was done.
    pub cut_short: Option<String>,
    /// How connections were protected.
    pub tls: Vec<TlsEvidence>,
    /// What the rules say of them.
    pub diagnostics: Vec<DiagnosticRecord>,
}

/// How a connection is protected.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct TlsEvidence {
    /// The name that was wanted.
    pub name: String,
    /// `TLSv1_2`, `TLSv1_3`.
    pub version: Option<String>,
    /// The cipher suite.
    pub cipher: Option<String>,
    /// Whose the certificate is.
    pub certificate_subject: String,
    /// For which names.
    pub certificate_names: Vec<String>,
    /// Until when.
    pub certificate_not_after: String,
    /// Whether it is trusted, and for the name.
    pub is_trusted: bool,
    /// Why it is not; it was used all the same, as was told (`--insecure`).
    pub fault: Option<String>,
}

/// What was measured.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Measurements {
    /// Of a STUN server.
    Stun(Box<StunMeasurements>),
    /// Of a NAT.
    Nat(Box<NatMeasurements>),
    /// Of a SIP server.
    Options(Box<OptionsMeasurements>),
    /// Of a registrar.
    Register(Box<RegisterMeasurements>),
    /// Of a call.
    Call(Box<CallMeasurements>),
    /// Of a TURN server.
    Turn(Box<TurnMeasurements>),
    /// Of where a URI leads.
    Dns(Box<DnsMeasurements>),
    /// Of what is rewritten on the way.
    Alg(Box<AlgMeasurements>),
}

/// A registrar as it takes registrations.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct RegisterMeasurements {
    /// Where it was reached.
    pub server: Option<String>,
    /// `udp`, `tcp`.
    pub transport: String,
    /// The address of the host itself.
    pub local_address: Option<String>,
    /// The address that the registrar saw (`received` and `rport`).
    pub mapped_address: Option<String>,
    /// Who was registered.
    pub address_of_record: String,
    /// The last status.
    pub status: Option<u16>,
    /// What it says in words.
    pub reason_phrase: Option<String>,
    /// Challenges met.
    pub challenges: u64,
    /// Whether no password was asked for.
    pub is_open: bool,
    /// The realm of the last challenge.
    pub realm: Option<String>,
    /// Its algorithm: the first that was offered and is known.
    pub algorithm: Option<String>,
    /// The quality of protection that was used.
    pub qop: Option<String>,
    /// From the request that was accepted to its answer.
    pub register_delay_ms: Option<f64>,
    /// Seconds that were asked for.
    pub expires_requested_s: u32,
    /// The least that the registrar grants, where it said so (423).
    pub expires_least_s: Option<u32>,
    /// Seconds that were granted.
    pub expires_granted_s: Option<u64>,
    /// What the registrar listed while the probe was registered.
    pub bindings: Vec<ProbeBinding>,
    /// Whether a refresh kept the probe's own.
    pub refreshed: Option<bool>,
    /// Whether it was gone at the end.
    pub removed: Option<bool>,
}

/// An address that is registered.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProbeBinding {
    /// The URI.
    pub contact: String,
    /// How long it has left, in seconds.
    pub expires_s: Option<u64>,
    /// Whether the probe registered it.
    pub is_own: bool,
}

/// A SIP server as it answers OPTIONS.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct OptionsMeasurements {
    /// How it answered.
    #[serde(flatten)]
    pub pings: Pings,
    /// The last status.
    pub status: Option<u16>,
    /// What it says in words.
    pub reason_phrase: Option<String>,
    /// The server's name.
    pub software: Option<String>,
    /// Methods that it takes.
    pub allow: Vec<String>,
    /// Extensions that it knows.
    pub supported: Vec<String>,
    /// Bodies that it takes.
    pub accept: Vec<String>,
    /// The proxies on the way, where they were looked for.
    pub hops: Vec<HopRecord>,
}

/// Where a request ended that might go no further.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HopRecord {
    /// How many times it might be passed on.
    pub max_forwards: u32,
    /// What came back; 483 is a proxy on the way.
    pub status: Option<u16>,
    /// The name of whoever answered.
    pub software: Option<String>,
    /// How long that took.
    pub rtt_ms: Option<f64>,
}

/// A server that was asked several times.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Pings {
    /// Where it was reached.
    pub server: Option<String>,
    /// `udp`, `tcp`.
    pub transport: String,
    /// The address of the host itself.
    pub local_address: Option<String>,
    /// The address that the server saw.
    pub mapped_address: Option<String>,
    /// Whether they differ.
    pub is_translated: Option<bool>,
    /// Requests.
    pub requests: u64,
    /// Those that were answered.
    pub answers: u64,
    /// Requests that no copy of was answered, in percent.
    pub loss_percent: f64,
    /// From the last copy of a request to its answer.
    pub rtt_ms: Option<Spread>,
}

impl Pings {
    /// So many requests, and the round trips of their answers in milliseconds.
    #[must_use]
    pub fn new(transport: &str, requests: u64, round_trips: Vec<f64>) -> Self {
        let answers = round_trips.len() as u64;
        #[expect(clippy::cast_precision_loss, reason = "requests are few")]
        let lost = requests.saturating_sub(answers) as f64 / requests.max(1) as f64;
        Self {
            transport: transport.to_owned(),
            requests,
            answers,
            loss_percent: rounded(lost * 100.0, 2),
            rtt_ms: (answers > 0).then(|| Spread::of(round_trips, 0)),
            ..Self::default()
        }
    }

    /// Between whom: the server, the host, and the host as the server saw it.
    #[must_use]
    pub fn between(
        mut self,
        server: Option<Endpoint>,
        local: Option<Endpoint>,
        mapped: Option<Endpoint>,
    ) -> Self {
        let text = |own: Option<Endpoint>| own.map(|own| own.to_string());
        self.server = text(server);
        self.local_address = text(local);
        self.mapped_address = text(mapped);
        self.is_translated = local.zip(mapped).map(|(local, mapped)| local != mapped);
        self
    }
}

/// A STUN server as it answers.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct StunMeasurements {
    /// How it answered.
    #[serde(flatten)]
    pub pings: Pings,
    /// The server's name.
    pub software: Option<String>,
    /// Its other address and port (RFC 5780).
    pub other_address: Option<String>,
    /// Where it says that it answers from.
    pub response_origin: Option<String>,
    /// Another server that is to be asked.
    pub alternate_server: Option<String>,
    /// The code of a refusal.
    pub error_code: Option<u16>,
    /// Whether MAPPED-ADDRESS was changed on the way.
    pub is_rewritten: bool,
    /// What it does: `binding`, `rfc5780`.
    pub supports: Vec<String>,
}
