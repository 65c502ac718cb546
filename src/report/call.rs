//! Calls.

use schemars::JsonSchema;
use serde::Serialize;

use super::{NotJudged, Point, TunnelRecord};

/// One call: all dialogs of a Call-ID.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct CallRecord {
    pub id: String,
    /// The `#` of the table.
    pub index: u64,
    pub call_id: String,
    /// `established completed cancelled busy declined redirected rejected
    /// failed timeout incomplete`.
    pub outcome: String,
    pub cause: Cause,
    /// What a user would complain of.
    pub symptoms: Vec<String>,
    /// The diagnostic that explains the symptoms.
    pub root_cause: Option<String>,
    pub from_uri: Option<String>,
    pub from_user: Option<String>,
    pub from_display: Option<String>,
    pub to_uri: Option<String>,
    pub to_user: Option<String>,
    pub request_uri: Option<String>,
    pub p_asserted_identity: Option<String>,
    pub caller_ip: Option<String>,
    pub caller_port: Option<u16>,
    pub callee_ip: Option<String>,
    pub callee_port: Option<u16>,
    pub caller_user_agent: Option<String>,
    pub callee_user_agent: Option<String>,
    /// The first INVITE.
    pub started: Option<String>,
    /// The first 18x at the caller.
    pub ringing: Option<String>,
    /// The 2xx at the caller.
    pub answered: Option<String>,
    pub ended: Option<String>,
    /// From the first INVITE (a challenge included) to the first response
    /// other than 100 that is no failure.
    pub pdd_ms: Option<f64>,
    /// From the first INVITE to the answer.
    pub answer_delay_ms: Option<f64>,
    /// From the first INVITE to the one that answers its challenge.
    pub challenge_ms: Option<f64>,
    pub ring_ms: Option<f64>,
    pub talk_ms: Option<f64>,
    pub duration_ms: Option<f64>,
    /// `caller`, `callee` or `proxy`.
    pub ended_by: Option<String>,
    /// `BYE`, `CANCEL` or the status that refused the call.
    pub end_method: Option<String>,
    pub reason_header: Option<String>,
    /// How often the 2xx was sent again.
    pub answer_retransmissions: u64,
    /// Whether an ACK was seen on its way to whoever answered.
    pub ack_seen_by_callee: Option<bool>,
    pub session_expires_s: Option<u64>,
    pub refresher: Option<String>,
    pub last_refresh: Option<String>,
    /// Messages, without copies.
    pub messages: u64,
    pub retransmissions: u64,
    /// Copies captured elsewhere or twice.
    pub duplicates: u64,
    pub final_status: Option<u16>,
    pub dialogs: Vec<DialogRecord>,
    /// Each hop of the last INVITE, in the order of its way.
    pub hops: Vec<[String; 2]>,
    pub exchanges: Vec<ExchangeRecord>,
    pub media: Vec<MediaRecord>,
    pub legs: Vec<LegRecord>,
    /// The room that it leads to (RFC 4579), as its Contact names it.
    pub conference_uri: Option<String>,
    /// The side that mixes: `caller` or `callee`.
    pub conference_focus: Option<String>,
    /// What passed from one capture point to the next.
    pub paths: Vec<PathRecord>,
    /// Ids of its streams.
    pub rtp_streams: Vec<String>,
    /// Ids of its diagnostics.
    pub diagnostics: Vec<String>,
    pub points: Vec<Point>,
    /// The frames, where there is one file and one interface.
    pub frames: Option<Vec<u32>>,
    /// Tunnels that its messages came through.
    pub tunnels: Vec<TunnelRecord>,
    /// Header fields that were asked for.
    pub headers: std::collections::BTreeMap<String, String>,
    /// `completed idle evicted end-of-capture`: why the record was closed.
    pub closed: String,
    pub not_judged: Vec<NotJudged>,
}

/// Why a call ended as it did.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct Cause {
    /// A finer class than the outcome.
    pub class: String,
    pub status: Option<u16>,
    pub reason_phrase: Option<String>,
    /// Who decided: `caller`, `callee` or `proxy`.
    pub by: Option<String>,
    /// Address and port of whoever decided.
    pub by_address: Option<String>,
    pub q850: Option<u64>,
    pub warning: Option<String>,
}

/// A dialog.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct DialogRecord {
    pub from_tag: String,
    pub to_tag: String,
    /// `early confirmed terminated`.
    pub state: String,
}

/// A request and its answer, end to end.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct ExchangeRecord {
    pub method: String,
    pub cseq: u32,
    /// `caller` or `callee`.
    pub by: Option<String>,
    /// `setup hold resume refresh codec-change media-change t38 transfer
    /// transfer-progress cancel hangup prack dtmf other`.
    pub purpose: String,
    pub started: String,
    pub final_status: Option<u16>,
    /// From the request to its final response, at whoever asked.
    pub delay_ms: Option<f64>,
    pub retransmissions: u64,
    /// `ok challenged redirected rejected cancelled glare gone failed timeout
    /// pending`; of a transfer also `done`.
    pub result: String,
    /// `Refer-To` of a REFER.
    pub target: Option<String>,
    /// The digit of an INFO; `*` unless digits are shown.
    pub digit: Option<String>,
    pub frames: Vec<u32>,
}

/// One medium of one offer and answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct MediaRecord {
    /// Counts offers and answers from 0.
    pub epoch: usize,
    pub from: Option<String>,
    pub until: Option<String>,
    /// Which `m=` line, from 0.
    pub index: usize,
    /// `audio video image ...`.
    pub kind: String,
    pub protocol: String,
    pub codec: Option<String>,
    pub payload_type: Option<u8>,
    pub clock_rate: Option<u32>,
    pub ptime_ms: Option<u32>,
    pub dtmf_payload_type: Option<u8>,
    /// `name/rate` of each codec offered.
    pub offered: Vec<String>,
    /// `name/rate` of each codec in the answer.
    pub answered: Vec<String>,
    pub caller_ip: Option<String>,
    pub caller_port: Option<u16>,
    pub caller_direction: Option<String>,
    pub callee_ip: Option<String>,
    pub callee_port: Option<u16>,
    pub callee_direction: Option<String>,
    /// Suites of SDES, or `dtls`.
    pub crypto: Option<String>,
    pub ice: bool,
    /// `both caller-hears-nothing callee-hears-nothing none held unknown`.
    pub audio: Option<String>,
    /// What the verdict rests on.
    pub audio_reason: Option<String>,
    /// Packets that can have reached the caller.
    pub packets_to_caller: u64,
    pub packets_to_callee: u64,
    /// From the answer to the first packet toward the caller.
    pub first_to_caller_ms: Option<f64>,
    pub first_to_callee_ms: Option<f64>,
    /// How long before the answer the caller was sent media.
    pub early_to_caller_ms: Option<f64>,
    pub icmp_errors: u64,
    pub stream_ids: Vec<String>,
    /// What became of a fax.
    pub t38: Option<Box<FaxRecord>>,
    /// Messages of the session (MSRP).
    pub msrp: Option<Box<MsrpRecord>>,
}

/// Messages of a session (RFC 4975), at the capture point that saw most of them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct MsrpRecord {
    pub started: String,
    pub ended: String,
    pub capture_point: String,
    pub content_types: Vec<String>,
    /// What the caller sent.
    pub caller: MsrpSideRecord,
    pub callee: MsrpSideRecord,
}

/// What one side sent.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MsrpSideRecord {
    /// Messages that came to their end.
    pub messages: u64,
    /// Requests that carried them.
    pub chunks: u64,
    /// Octets of them.
    pub bytes: u64,
    /// Messages that it gave up.
    pub aborted: u64,
    /// Reports of what became of the other side's.
    pub reports: u64,
    /// Its requests that were refused, by status.
    pub refused: std::collections::BTreeMap<u16, u64>,
}

/// A fax by UDPTL (ITU-T T.38).
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct FaxRecord {
    /// Of T.38, as agreed.
    pub version: u8,
    /// In bit/s, as agreed.
    pub max_bit_rate: Option<u32>,
    pub rate_management: Option<String>,
    /// As agreed: `t38UDPRedundancy t38UDPFEC t38UDPNoEC`.
    pub error_correction: Option<String>,
    pub max_datagram: Option<u32>,
    /// `complete partial failed unknown`.
    pub result: String,
    /// Why it did not get through.
    pub reason: Option<String>,
    /// Who sent pages: `caller` or `callee`.
    pub sender: Option<String>,
    /// The number set in the caller's machine.
    pub caller_identity: Option<String>,
    pub callee_identity: Option<String>,
    pub pages_sent: u32,
    pub pages_confirmed: u32,
    /// Pages that the receiver could not read.
    pub pages_refused: u32,
    /// How often the receiver could not read the training.
    pub trainings_failed: u32,
    /// In bit/s, as the sender chose in the end.
    pub bit_rate: Option<u32>,
    pub error_correction_mode: Option<bool>,
    /// `standard fine superfine`.
    pub resolution: Option<String>,
    pub disconnected_by: Option<String>,
    /// What the machines said.
    pub signals: Vec<FaxSignalRecord>,
    /// Each direction at each capture point.
    pub streams: Vec<FaxStreamRecord>,
}

/// A tone, a training or a frame.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct FaxSignalRecord {
    pub at: String,
    /// `caller` or `callee`.
    pub by: String,
    /// As T.30 and T.38 name it; `PPS-EOP` for what ends a part.
    pub signal: String,
}

/// One direction of a fax at one capture point.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct FaxStreamRecord {
    /// `caller` or `callee`.
    pub by: String,
    pub src_ip: String,
    pub src_port: u16,
    pub dst_ip: String,
    pub dst_port: u16,
    /// File and interface.
    pub capture_point: String,
    /// Frame number of the first.
    pub frame: u32,
    pub started: String,
    pub ended: String,
    /// Datagrams captured.
    pub packets: u64,
    /// Datagrams sent, by their numbers.
    pub expected: u64,
    pub lost: u64,
    /// Of those, how many others made good.
    pub recovered: u64,
    pub unrecovered: u64,
    pub loss_percent: Option<f64>,
    pub duplicates: u64,
    pub out_of_order: u64,
    pub malformed: u64,
    /// Earlier packets that a datagram repeats, at most.
    pub redundancy: u8,
    /// Whether parities make losses good.
    pub parity: bool,
    /// Frames whose check sum was wrong where they came off the line.
    pub bad_frames: u64,
    /// `sdp nat turn`: how it was tied to its call.
    pub association: String,
}

/// What passed from one capture point to the next one on its way. Times are by the
/// clocks of both: what these differ by has the other sign the other way, and is no part
/// of `round_trip_ms`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct PathRecord {
    pub from: String,
    pub to: String,
    /// SIP messages that passed both.
    pub messages: u64,
    /// Datagrams of SIP that passed the first and never the second, though others of the
    /// same way did before and after.
    pub messages_lost: u64,
    pub delay_min_ms: Option<f64>,
    pub delay_mean_ms: Option<f64>,
    pub delay_max_ms: Option<f64>,
    /// The least there and the least back together.
    pub round_trip_ms: Option<f64>,
    /// SIP messages that were changed between.
    pub messages_changed: u64,
    /// What was changed, with the first example.
    pub changes: Vec<PathChangeRecord>,
    /// RTP packets that passed the first.
    pub rtp_packets: u64,
    /// RTP packets that are missing at the second and not at the first.
    pub rtp_packets_lost: u64,
}

/// A part of messages that was changed on the way.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct PathChangeRecord {
    /// A header field, `Request-URI`, or `SDP c=`.
    pub field: String,
    pub count: u64,
    /// Null where it was added.
    pub before: Option<String>,
    /// Null where it was taken out.
    pub after: Option<String>,
}

/// A tie to another call.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct LegRecord {
    pub call_id: String,
    pub kind: String,
    /// 0 to 1.
    pub score: f64,
    pub reason: String,
}
