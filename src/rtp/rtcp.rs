//! RTCP compound packets (RFC 3550, 6), walked as far as they hold.

use crate::octets::{self, u8_at, u16_at, u32_at};

/// What one packet of a compound says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtcpPacket {
    /// A sender's report: its clock.
    SenderReport {
        /// Who reports.
        ssrc: u32,
        /// The middle 32 bits of its NTP time, as receivers echo it.
        ntp_middle: u32,
    },
    /// A receiver's report on one source.
    Report {
        /// Who reports.
        reporter: u32,
        /// On whom.
        block: ReportBlock,
    },
    /// A source leaves.
    Bye {
        /// Who.
        ssrc: u32,
    },
    /// Any other packet type.
    Other(u8),
}

/// A report block (RFC 3550, 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source it is about.
    pub ssrc: u32,
    /// Lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost since the beginning; negative when duplicates came.
    pub cumulative_packets_lost: i32,
    /// Cycles and highest sequence number received.
    pub extended_highest_sequence_number: u32,
    /// Jitter in ticks of the source's clock.
    pub interarrival_jitter: u32,
    /// The last sender's report, 0 if none came.
    pub last_sr: u32,
    /// Since then, in 1/65536 s.
    pub delay_since_last_sr: u32,
}

/// The most packets of a compound that are walked.
const MAX_PACKETS: usize = 64;

/// Hands each packet of a compound to `each`.
pub fn walk(mut octets: &[u8], mut each: impl FnMut(RtcpPacket)) {
    for _ in 0..MAX_PACKETS {
        let (Some(first), Some(kind), Some(words)) =
            (u8_at(octets, 0), u8_at(octets, 1), u16_at(octets, 2))
        else {
            return;
        };
        if first >> 6 != 2 {
            return;
        }
        let length = usize::from(words).saturating_add(1).saturating_mul(4);
        let body = octets::span(octets, 0, length);
        let count = usize::from(first & 0x1f);
        match kind {
            200 | 201 => {
                let Some(ssrc) = u32_at(body, 4) else { return };
                let blocks = if kind == 200 { 28 } else { 8 };
                if let (200, Some(ntp_middle)) = (kind, u32_at(body, 10)) {
                    each(RtcpPacket::SenderReport { ssrc, ntp_middle });
                }
                for number in 0..count {
                    let at = number.saturating_mul(24).saturating_add(blocks);
                    let Some(block) = report_block(octets::from(body, at)) else {
                        break;
                    };
                    each(RtcpPacket::Report {
                        reporter: ssrc,
                        block,
                    });
                }
            }
            203 => {
                for number in 0..count {
                    let at = number.saturating_mul(4).saturating_add(4);
                    let Some(ssrc) = u32_at(body, at) else { break };
                    each(RtcpPacket::Bye { ssrc });
                }
            }
            other => each(RtcpPacket::Other(other)),
        }
        octets = octets::from(octets, length);
    }
}

fn report_block(octets: &[u8]) -> Option<ReportBlock> {
    let lost = u32_at(octets, 4)?;
    Some(ReportBlock {
        ssrc: u32_at(octets, 0)?,
        fraction_lost: u8_at(octets, 4)?,
        // 24 bits with a sign: shifted up and down again.
        cumulative_packets_lost: (lost << 8).cast_signed() >> 8,
        extended_highest_sequence_number: u32_at(octets, 8)?,
        interarrival_jitter: u32_at(octets, 12)?,
        last_sr: u32_at(octets, 16)?,
        delay_since_last_sr: u32_at(octets, 20)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(octets: &[u8]) -> Vec<RtcpPacket> {
        let mut packets = Vec::new();
        walk(octets, |packet| packets.push(packet));
        packets
    }

    fn compound() -> Vec<u8> {
        let mut octets = vec![0x81, 200, 0, 12, 0, 0, 0, 1];
        octets.extend([0, 1, 2, 3, 4, 5, 6, 7]);
        octets.extend([0; 12]);
        octets.extend([0, 0, 0, 2, 64, 0xff, 0xff, 0xff]);
        octets.extend([0, 1, 0, 9, 0, 0, 0, 16, 2, 3, 4, 5, 0, 1, 0, 0]);
        octets.extend([0x81, 203, 0, 1, 0, 0, 0, 1]);
        octets
    }

    #[test]
    fn a_compound_is_walked_to_its_end() {
        let read = packets(&compound());
        assert_eq!(
            read[0],
            RtcpPacket::SenderReport {
                ssrc: 1,
                ntp_middle: 0x0203_0405
            }
        );
        let RtcpPacket::Report { reporter: 1, block } = read[1] else {
            panic!("no report");
        };
        assert_eq!(block.cumulative_packets_lost, -1);
        assert_eq!((block.fraction_lost, block.interarrival_jitter), (64, 16));
        assert_eq!(
            (block.last_sr, block.delay_since_last_sr),
            (0x0203_0405, 65_536)
        );
        assert_eq!(read[2], RtcpPacket::Bye { ssrc: 1 });
    }

    #[test]
    fn cut_and_endless_compounds_end() {
        let whole = compound();
        for cut in 0..whole.len() {
            assert!(packets(&whole[..cut]).len() <= 3);
        }
        assert_eq!(packets(&[0x80, 207, 0, 0].repeat(1000)).len(), MAX_PACKETS);
        assert_eq!(packets(&[0x9f, 201, 0, 1, 0, 0, 0, 1]), []);
    }
}
