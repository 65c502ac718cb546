//! RTCP on its way to the streams it speaks of.

use super::Media;
use crate::engine::rtp_stream::RtpStream;
use crate::engine::table::Handle;
use crate::engine::{Engine, Event, Forwarded};
use crate::link::{Datagram, TunnelKind};
use crate::net::Flow;
use crate::octets::u32_at;
use crate::packet::{CapturePoint, PacketRef};
use crate::rtp::rtcp::{self, RtcpPacket};

impl Engine {
    pub(in crate::engine) fn rtcp(&mut self, at: PacketRef, datagram: &Datagram<'_>) {
        self.counters.rtcp_packets += 1;
        let flow = datagram.flow;
        self.ice_heard(at, flow);
        let Some(plain) = self.open_rtcp(at, flow, datagram.payload) else {
            return;
        };
        if self.config.forward && self.tunnel.is_none_or(|own| own.kind != TunnelKind::Hep) {
            self.forward_rtcp(at, flow, &plain);
        }
        let media = &mut self.media;
        rtcp::walk(&plain, |packet| match packet {
            RtcpPacket::SenderReport { ssrc, ntp_middle } => {
                if let Some(stream) = media.sent_by(ssrc, at, flow) {
                    stream.sender_report(ntp_middle, at.timestamp);
                }
            }
            RtcpPacket::Report { block, .. } => {
                if let Some(stream) = media.received_by(block.ssrc, at, flow) {
                    stream.receiver_report(&block, at.timestamp);
                }
            }
            RtcpPacket::Description { ssrc, item, text } => {
                if let Some(stream) = media.sent_by(ssrc, at, flow) {
                    stream.description(item, text);
                }
            }
            RtcpPacket::Bye { ssrc, reason } => {
                if let Some(stream) = media.sent_by(ssrc, at, flow) {
                    stream.bye(at.timestamp, reason);
                }
            }
            RtcpPacket::Application { ssrc, name } => {
                if let Some(stream) = media.sent_by(ssrc, at, flow) {
                    stream.application(&name);
                }
            }
            RtcpPacket::VoipMetrics(metrics) => {
                if let Some(stream) = media.received_by(metrics.ssrc, at, flow) {
                    stream.far_end.metrics = Some(metrics);
                }
            }
            RtcpPacket::Feedback { kind, format, ssrc } => {
                if let Some(stream) = media.received_by(ssrc, at, flow) {
                    stream.far_end.feedback(kind, format);
                }
            }
            RtcpPacket::Other(_) => {}
        });
    }
}

impl Engine {
    fn forward_rtcp(&mut self, at: PacketRef, flow: Flow, plain: &[u8]) {
        let speaker = u32_at(plain, 4);
        let stream = speaker.and_then(|ssrc| self.media.sent_by(ssrc, at, flow));
        let call = stream.and_then(|stream| Some(stream.membership?.call));
        let call = call.and_then(|call| self.calls.get(call));
        let forwarded = Forwarded {
            at: at.timestamp,
            flow,
            is_rtcp: true,
            call_id: call.map(|call| call.call_id.clone()),
            octets: plain.into(),
        };
        self.events.push_back(Event::Forward(Box::new(forwarded)));
    }
}

impl Media {
    /// The stream of a source that speaks of itself on `flow`.
    fn sent_by(&mut self, ssrc: u32, at: PacketRef, flow: Flow) -> Option<&mut RtpStream> {
        let own = self.of_ssrc(ssrc, at.capture_point, |stream| {
            (
                stream.src.ip == flow.src.ip,
                near(stream.src.port, flow.src.port),
            )
        })?;
        self.streams.get_mut(own)
    }

    /// The stream of a source that whoever sends on `flow` receives.
    fn received_by(&mut self, ssrc: u32, at: PacketRef, flow: Flow) -> Option<&mut RtpStream> {
        let about = self.of_ssrc(ssrc, at.capture_point, |stream| {
            (
                stream.dst.ip == flow.src.ip,
                near(stream.dst.port, flow.src.port),
            )
        })?;
        self.streams.get_mut(about)
    }

    /// The stream of `ssrc` at a point whose flow fits best: the address must,
    /// the port should.
    fn of_ssrc(
        &self,
        ssrc: u32,
        capture_point: CapturePoint,
        fits: impl Fn(&Flow) -> (bool, bool),
    ) -> Option<Handle> {
        self.by_ssrc
            .get(&ssrc)?
            .iter()
            .copied()
            .filter_map(|handle| {
                let stream = self.streams.get(handle)?;
                let (address, port) = fits(&stream.flow);
                (stream.capture_point == capture_point && address).then_some((port, handle))
            })
            .max_by_key(|(port, _)| *port)
            .map(|(_, handle)| handle)
    }
}

/// Whether an RTCP port belongs to an RTP port: the next one, or the same.
fn near(rtp: u16, rtcp: u16) -> bool {
    rtcp == rtp || rtp.checked_add(1) == Some(rtcp)
}
