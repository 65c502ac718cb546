//! A test call.

use schemars::JsonSchema;
use serde::Serialize;

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
