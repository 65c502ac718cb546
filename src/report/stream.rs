//! RTP streams.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Point, TunnelRecord};

/// One source on one flow at one capture point.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct StreamRecord {
    pub id: String,
    /// `udp`; `tcp` where lengths stand before the packets (RFC 4571).
    pub transport: &'static str,
    pub src_ip: String,
    pub src_port: u16,
    pub dst_ip: String,
    pub dst_port: u16,
    pub ssrc: u32,
    pub ssrc_hex: String,
    /// `to-caller` or `to-callee`.
    pub direction: Option<String>,
    /// The tunnel or the TURN server's client that it was captured within.
    pub tunnel: Option<TunnelRecord>,
    /// Where it was captured.
    pub capture_points: Vec<String>,
    /// Streams of the same packets at other capture points.
    pub same_as: Vec<String>,
    pub payload_types: Vec<u8>,
    pub codec: Option<String>,
    pub clock_rate: Option<u32>,
    pub ptime_ms: Option<f64>,
    /// `audio video dtmf comfort-noise unknown`.
    pub payload_kind: String,
    /// Packets captured.
    pub packets: u64,
    /// Octets of UDP payload.
    pub bytes: u64,
    pub expected: u64,
    /// Expected, less distinct sequence numbers received. RFC 3550 counts
    /// duplicates as received; this does not.
    pub lost: u64,
    pub loss_percent: f64,
    pub duplicates: u64,
    pub out_of_order: u64,
    /// Mean of the RFC 3550 estimate over the packets of the audio.
    pub jitter_ms: Option<f64>,
    pub jitter_max_ms: Option<f64>,
    /// The longest time between two packets.
    pub delta_max_ms: f64,
    /// The same, hold, comfort noise and silence suppression excluded.
    pub gap_max_ms: f64,
    pub loss_bursts: u64,
    pub burst_max: u64,
    pub r_factor: Option<f64>,
    pub mos: Option<f64>,
    /// What R and MOS rest on.
    pub quality_basis: Option<String>,
    pub started: String,
    pub ended: String,
    pub start_after_answer_ms: Option<f64>,
    /// How long it went on after the call's end.
    pub after_bye_ms: Option<f64>,
    pub call_id: Option<String>,
    /// `sdp nat rtcp ice turn heuristic`.
    pub association: String,
    pub encrypted: bool,
    /// The suite of SRTP that opened its packets, where its keys are known.
    pub srtp_suite: Option<String>,
    /// Packets that were decrypted.
    pub srtp_decrypted: u64,
    /// Packets whose authentication tag does not fit the keys.
    pub srtp_auth_failures: u64,
    /// Code points of the packets (RFC 2474).
    pub dscp: Vec<u8>,
    /// What the far end reported (RFC 3550, 6.4).
    pub far_loss_percent: Option<f64>,
    pub far_jitter_ms: Option<f64>,
    /// Where packets were lost, by both counts: `before` the capture point,
    /// `after` it, `before-and-after`, or in the `capture` alone, when more
    /// reached the far end than were captured.
    pub lost_at: Option<String>,
    /// From the capture point to the far end and back.
    pub rtt_ms: Option<f64>,
    pub rtcp_reports: u64,
    /// What the far end says of the call's quality (RFC 3611, 4.7).
    pub far_metrics: Option<FarMetrics>,
    /// Frames of video, by their timestamps.
    pub video_frames: Option<u64>,
    /// Frames in a second.
    pub frame_rate: Option<f64>,
    /// Times the far end asked for packets again (RFC 4585).
    pub nacks: u64,
    /// Times the far end asked for a whole picture (RFC 4585; RFC 5104).
    pub picture_requests: u64,
    /// The source's name over all its streams (RFC 3550, 6.5.1).
    pub cname: Option<String>,
    /// The source's program.
    pub tool: Option<String>,
    /// When the source said that it leaves, and why (RFC 3550, 6.6).
    pub rtcp_bye: Option<String>,
    pub rtcp_bye_reason: Option<String>,
    /// Names of RTCP packets of an application's own (RFC 3550, 6.7).
    pub rtcp_applications: Vec<String>,
    pub icmp_errors: u64,
    /// The digits, masked by `*` unless they are shown.
    pub dtmf: String,
    pub dtmf_events: Vec<DtmfEvent>,
    pub points: Vec<Point>,
}

/// An extended report of the far end (RFC 3611, 4.7).
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct FarMetrics {
    pub loss_percent: f64,
    /// Thrown away by the jitter buffer.
    pub discard_percent: f64,
    /// Lost or thrown away within bursts.
    pub burst_density_percent: f64,
    pub rtt_ms: Option<u16>,
    pub end_system_delay_ms: Option<u16>,
    pub jitter_buffer_ms: u16,
    pub r_factor: Option<u8>,
    pub mos_lq: Option<f64>,
    pub mos_cq: Option<f64>,
}

/// A digit.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct DtmfEvent {
    pub digit: String,
    pub at: String,
    pub duration_ms: Option<f64>,
}
