//! What a probe found.

use schemars::JsonSchema;
use serde::Serialize;

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

/// What is rewritten on the way to a mirror and back.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct AlgMeasurements {
    /// The address of the host itself.
    pub local_address: Option<String>,
    /// The address that the mirror saw.
    pub source: Option<String>,
    /// Header fields and lines of descriptions that were changed, either way.
    pub changed: Vec<String>,
    /// Ways on which nothing was changed.
    pub unaltered: Vec<String>,
    /// Each message, to each port.
    pub tries: Vec<AlgTry>,
}

/// One message, to one port.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AlgTry {
    /// `udp`, `tcp`.
    pub transport: String,
    /// To which port.
    pub port: u16,
    /// Whether that is not the port of SIP.
    pub is_control: bool,
    /// `OPTIONS REGISTER INVITE`.
    pub method: String,
    /// `mirrored`, `other` (somebody else answered), `none`.
    pub answer: String,
    /// The status.
    pub status: Option<u16>,
    /// The address that the mirror saw.
    pub source: Option<String>,
    /// What was changed on the way there.
    pub changed_outward: Vec<AlgChange>,
    /// What was changed on the way back.
    pub changed_inward: Vec<AlgChange>,
}

/// A line that was changed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AlgChange {
    /// Which: `via contact sdp-c` and so on.
    pub field: String,
    /// As it was sent; empty where it was put in.
    pub sent: String,
    /// As it came; empty where it was taken out.
    pub received: String,
}

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

/// A TURN server as it relays.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct TurnMeasurements {
    /// Where it was reached.
    pub server: Option<String>,
    /// Over what the client reached it.
    pub transport: String,
    /// The address of the host itself.
    pub local_address: Option<String>,
    /// The address that the server saw.
    pub mapped_address: Option<String>,
    /// The address that it relays from.
    pub relayed_address: Option<String>,
    /// The peer's address, as the relay sees it.
    pub peer_address: Option<String>,
    /// The server's name.
    pub software: Option<String>,
    /// Another server that is to be asked.
    pub alternate_server: Option<String>,
    /// Challenges met before the allocation.
    pub challenges: u64,
    /// Whether no password was asked for.
    pub is_open: bool,
    /// The realm of the challenge.
    pub realm: Option<String>,
    /// The code of the last refusal.
    pub error_code: Option<u16>,
    /// For how long an allocation is granted.
    pub lifetime_s: Option<u32>,
    /// From the first request to the allocation.
    pub allocate_ms: Option<f64>,
    /// For the peer's permission.
    pub permission_ms: Option<f64>,
    /// From the first request to the first packet of the peer.
    pub first_ms: Option<f64>,
    /// Whether a permission for the server itself was refused; if not, it relays into
    /// itself.
    pub loopback_refused: Option<bool>,
    /// Whether data of the peer came by indications.
    pub from_peer_by_indication: Option<bool>,
    /// Whether data for the peer went by indications.
    pub to_peer_by_indication: Option<bool>,
    /// Whether a channel was bound.
    pub channel: Option<bool>,
    /// To the peer, through the channel.
    pub to_peer: CallDirection,
    /// From the peer.
    pub from_peer: CallDirection,
    /// Through the relay to the peer, and back.
    pub rtt_ms: Option<Spread>,
    /// Whether the allocation was refreshed.
    pub refreshed: Option<bool>,
    /// Whether it was given back.
    pub released: Option<bool>,
    /// Whether nothing was relayed after that.
    pub silent_after: Option<bool>,
}

/// A test call.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct CallMeasurements {
    /// Who answered.
    pub server: Option<String>,
    /// `udp`, `tcp`.
    pub transport: String,
    /// The address of the host itself.
    pub local_address: Option<String>,
    /// The address that the server saw (`received` and `rport`).
    pub mapped_address: Option<String>,
    /// Who was asked for, after redirects.
    pub request_uri: String,
    /// The last status.
    pub status: Option<u16>,
    /// What it says in words.
    pub reason_phrase: Option<String>,
    /// Provisional responses, in order, each once in a row.
    pub provisional: Vec<u16>,
    /// Challenges met.
    pub challenges: u64,
    /// The realm of the last challenge.
    pub realm: Option<String>,
    /// Its algorithm: the first that was offered and is known.
    pub algorithm: Option<String>,
    /// Where redirects led.
    pub redirects: Vec<String>,
    /// From the first INVITE to ringing.
    pub pdd_ms: Option<f64>,
    /// From the first INVITE to the answer.
    pub setup_ms: Option<f64>,
    /// Whether media were described before the answer.
    pub early_media: bool,
    /// Packets heard before the answer.
    pub early_packets: u64,
    /// Further answers, each acknowledged and ended.
    pub forks: u64,
    /// From the answer to the end.
    pub talk_ms: Option<f64>,
    /// `probe`, `peer`.
    pub ended_by: Option<String>,
    /// What answered the BYE.
    pub bye_status: Option<u16>,
    /// The codec that was answered: `PCMU`, `PCMA`.
    pub codec: Option<String>,
    /// Where media were to come to.
    pub local_media: Option<String>,
    /// Where they were sent to.
    pub remote_media: Option<String>,
    /// Where they came from.
    pub heard_from: Option<String>,
    /// `both`, `received` and `not-received` (whether ours arrive is not known), `sent`
    /// (theirs do not), `none` (no call).
    pub media: String,
    /// The tone that was sent.
    pub tone_hz: Option<u16>,
    /// What came sounds like: `own-tone`, `other`, `silence`, `nothing`.
    pub heard: String,
    /// The share of packets that are our own tone.
    pub tone_share: Option<f64>,
    /// From the first packet sent to the first heard.
    pub first_packet_ms: Option<f64>,
    /// To the other side, as its reports tell.
    pub to_peer: CallDirection,
    /// From the other side.
    pub from_peer: CallDirection,
    /// There and back, by RTCP.
    pub rtt_ms: Option<f64>,
    /// The worse of both ways.
    pub mos: Option<f64>,
    /// The worse of both ways.
    pub loss_percent: Option<f64>,
    /// The worse of both ways.
    pub jitter_ms: Option<f64>,
    /// Digits sent as events.
    pub dtmf_sent: u64,
    /// Events that came back.
    pub dtmf_back: u64,
    /// Sources of RTP that were heard.
    pub sources: u64,
    /// Why something is not known.
    pub not_judged: Vec<String>,
}

/// Media one way.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct CallDirection {
    /// Packets sent, or received.
    pub packets: u64,
    /// From the first to the highest that arrived; `null` where nothing tells.
    pub expected: Option<u64>,
    /// Of these, those that did not.
    pub lost: Option<u64>,
    /// Their share.
    pub loss_percent: Option<f64>,
    /// As RFC 3550 has it.
    pub jitter_ms: Option<f64>,
    /// The E-model's rating (ITU-T G.107).
    pub r_factor: Option<f64>,
    /// The mean opinion score estimated from it.
    pub mos: Option<f64>,
    /// What that rests on.
    pub basis: Option<String>,
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

/// A NAT as it behaves (RFC 4787).
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct NatMeasurements {
    /// The server that was asked.
    pub server: Option<String>,
    /// Its other address (RFC 5780).
    pub other_address: Option<String>,
    /// The address of the host itself.
    pub local_address: Option<String>,
    /// The address that the server saw.
    pub mapped_address: Option<String>,
    /// Whether they differ.
    pub is_translated: Option<bool>,
    /// How it maps: `endpoint-independent address-dependent
    /// address-and-port-dependent unknown`.
    pub mapping: String,
    /// What is still possible.
    pub mapping_values: Vec<String>,
    /// How it maps TCP, where that was asked.
    pub tcp_mapping: Option<String>,
    /// What it lets in, in the same words.
    pub filtering: String,
    /// What is still possible.
    pub filtering_values: Vec<String>,
    /// What RFC 3489 would call it.
    pub nickname: Option<String>,
    /// `port-preserving sequential random unknown`.
    pub allocation: String,
    /// The share of sockets whose port is kept.
    pub port_preservation: Option<f64>,
    /// Whether even stays even and odd stays odd.
    pub port_parity: Option<bool>,
    /// Whether neighbours stay neighbours.
    pub port_contiguity: Option<bool>,
    /// `paired arbitrary unknown`: whether the host keeps one outside address.
    pub pooling: String,
    /// `yes no unknown`: whether hosts inside reach each other by outside
    /// addresses.
    pub hairpinning: String,
    /// How long an unused binding lives at least, in seconds.
    pub lifetime_at_least_s: Option<u64>,
    /// By when it is gone, in seconds.
    pub lifetime_at_most_s: Option<u64>,
    /// `yes no unknown`: whether fragments pass both ways.
    pub fragments: String,
    /// Whether something rewrites addresses in payloads.
    pub is_rewritten: bool,
    /// Why something is not known.
    pub not_judged: Vec<String>,
    /// What to expect toward each kind of peer.
    pub toward: Vec<PeerPrediction>,
}

/// What to expect of both sides sending to each other.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PeerPrediction {
    /// How the peer's NAT maps.
    pub mapping: String,
    /// What it lets in.
    pub filtering: String,
    /// `direct one-way impossible`.
    pub outcome: String,
}
