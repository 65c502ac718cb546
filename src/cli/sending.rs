//! What a capture sends on to a collector.

use serde_json::{Value, json};

use super::notices;
use crate::capture::hep::{HepAddress, HepSender};
use crate::engine::Forwarded;
use crate::hep::{self, Outgoing};
use crate::net::{Endpoint, Flow, Transport};
use crate::octets::u32_at;
use crate::report::StreamRecord;
use crate::rtp::rtcp::{self, RtcpPacket};
use crate::time::Timestamp;

const SIP: u8 = 1;
/// Collectors take reports of RTCP as JSON.
const RTCP: u8 = 5;
/// A report on a stream, as JSON.
const STREAM: u8 = 34;

/// Sends signalling, reports of RTCP, and a report on each stream of a call.
pub(super) struct Sending {
    senders: Vec<(HepAddress, HepSender)>,
    agent: u32,
    /// What did not fit a datagram.
    too_long: u64,
}

impl Sending {
    /// Begins to send to all of these.
    ///
    /// # Errors
    ///
    /// What can't be sent to, and why.
    pub(super) fn open(to: &[HepAddress], agent: u32) -> Result<Self, String> {
        let mut senders = Vec::new();
        for own in to {
            let sender = HepSender::open(own.clone());
            senders.push((
                own.clone(),
                sender.map_err(|error| format!("{own}: {error}"))?,
            ));
        }
        Ok(Self {
            senders,
            agent,
            too_long: 0,
        })
    }

    /// Sends a message or a report on.
    pub(super) fn forward(&mut self, own: &Forwarded) {
        let report = own.is_rtcp.then(|| reports(&own.octets).to_string());
        let (kind, payload) = match &report {
            Some(report) => (RTCP, report.as_bytes()),
            None => (SIP, &*own.octets),
        };
        self.send(&Outgoing {
            flow: own.flow,
            timestamp: own.at,
            kind,
            agent: self.agent,
            correlation: own.call_id.as_deref().map(str::as_bytes),
            payload,
        });
    }

    /// Sends a report on a stream that is over.
    pub(super) fn stream(&mut self, stream: &StreamRecord) {
        let end = |ip: &str, port| Some(Endpoint::new(ip.parse().ok()?, port));
        let src = end(&stream.src_ip, stream.src_port);
        let dst = end(&stream.dst_ip, stream.dst_port);
        let ended = stream.ended.parse::<jiff::Timestamp>().ok();
        let nanos = ended.and_then(|at| u64::try_from(at.as_nanosecond()).ok());
        let (Some(src), Some(dst), Some(call_id), Some(nanos), Ok(payload)) =
            (src, dst, &stream.call_id, nanos, serde_json::to_vec(stream))
        else {
            return;
        };
        self.send(&Outgoing {
            flow: Flow {
                src,
                dst,
                transport: Transport::Udp,
            },
            timestamp: Timestamp::from_nanos(nanos),
            kind: STREAM,
            agent: self.agent,
            correlation: Some(call_id.as_bytes()),
            payload: &payload,
        });
    }

    fn send(&mut self, own: &Outgoing<'_>) {
        let Some(packet) = hep::build(own) else {
            self.too_long += 1;
            return;
        };
        for (_, sender) in &mut self.senders {
            sender.send(packet.clone());
        }
    }

    /// Sends what waits, and tells what could not be sent.
    pub(super) fn finish(self) {
        if self.too_long > 0 {
            notices::warning(&format!("{} messages are too long for HEP", self.too_long));
        }
        for (to, sender) in self.senders {
            let lost = sender.finish();
            if lost > 0 {
                notices::warning(&format!("{lost} packets could not be sent to {to}"));
            }
        }
    }
}

/// RTCP as collectors take it: the sender's report, and report blocks.
fn reports(octets: &[u8]) -> Value {
    let mut blocks = Vec::new();
    let mut sender = Value::Null;
    rtcp::walk(octets, |packet| match packet {
        RtcpPacket::SenderReport { .. } => {
            let at = |at| u32_at(octets, at).unwrap_or_default();
            sender = json!({
                "ntp_timestamp_sec": at(8),
                "ntp_timestamp_usec": at(12),
                "rtp_timestamp": at(16),
                "packets": at(20),
                "octets": at(24),
            });
        }
        RtcpPacket::Report { block, .. } => blocks.push(json!({
            "source_ssrc": block.ssrc,
            "fraction_lost": block.fraction_lost,
            "packets_lost": block.cumulative_packets_lost,
            "highest_seq_no": block.extended_highest_sequence_number,
            "ia_jitter": block.interarrival_jitter,
            "lsr": block.last_sr,
            "dlsr": block.delay_since_last_sr,
        })),
        _ => {}
    });
    let mut report = json!({
        "ssrc": u32_at(octets, 4),
        "type": octets.get(1),
        "report_count": blocks.len(),
        "report_blocks": blocks,
    });
    if let (Some(fields), false) = (report.as_object_mut(), sender.is_null()) {
        fields.insert("sender_information".to_owned(), sender);
    }
    report
}
