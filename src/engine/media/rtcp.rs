//! RTCP on its way to the streams it speaks of.

use super::Media;
use crate::engine::Engine;
use crate::engine::table::Handle;
use crate::link::Datagram;
use crate::net::Flow;
use crate::packet::{CapturePoint, PacketRef};
use crate::rtp::rtcp::{self, RtcpPacket};

impl Engine {
    pub(super) fn rtcp(&mut self, at: PacketRef, datagram: &Datagram<'_>) {
        self.counters.rtcp_packets += 1;
        let flow = datagram.flow;
        let media = &mut self.media;
        rtcp::walk(datagram.payload, |packet| match packet {
            RtcpPacket::SenderReport { ssrc, ntp_middle } => {
                let own = media.of_ssrc(ssrc, at.capture_point, |stream| {
                    (
                        stream.src.ip == flow.src.ip,
                        near(stream.src.port, flow.src.port),
                    )
                });
                if let Some(stream) = own.and_then(|own| media.streams.get_mut(own)) {
                    stream.sender_report(ntp_middle, at.timestamp);
                }
            }
            RtcpPacket::Report { block, .. } => {
                let about = media.of_ssrc(block.ssrc, at.capture_point, |stream| {
                    (
                        stream.dst.ip == flow.src.ip,
                        near(stream.dst.port, flow.src.port),
                    )
                });
                if let Some(stream) = about.and_then(|about| media.streams.get_mut(about)) {
                    stream.receiver_report(&block, at.timestamp);
                }
            }
            RtcpPacket::Bye { .. } | RtcpPacket::Other(_) => {}
        });
    }
}

impl Media {
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
