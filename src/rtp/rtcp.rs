//! RTCP compound packets (RFC 3550, 6; RFC 3611; RFC 5506), walked as far as
//! they hold.

use crate::octets::{self, u8_at, u16_at, u32_at};

/// What one packet of a compound says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtcpPacket<'a> {
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
        /// Why, where it says.
        reason: Option<&'a [u8]>,
    },
    /// An item of a source's description (RFC 3550, 6.5).
    Description {
        /// Whose.
        ssrc: u32,
        /// Which: 1 is CNAME, 6 is TOOL.
        item: u8,
        /// What it says.
        text: &'a [u8],
    },
    /// Something of an application's own (RFC 3550, 6.7).
    Application {
        /// Who sends it.
        ssrc: u32,
        /// Its name, four letters.
        name: [u8; 4],
    },
    /// Metrics of a call's quality (RFC 3611, 4.7).
    VoipMetrics(VoipMetrics),
    /// Feedback (RFC 4585): its type and its format.
    Feedback {
        /// 205 about transport, 206 about the payload.
        kind: u8,
        /// 1 of 205 is NACK; 1 of 206 is PLI, 4 is FIR.
        format: u8,
        /// The source it is about.
        ssrc: u32,
    },
    /// Any other packet type.
    Other(u8),
}

/// What a receiver's extended report says of a call's quality (RFC 3611, 4.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoipMetrics {
    /// The source it is about.
    pub ssrc: u32,
    /// Lost since the beginning, in 256ths.
    pub loss_rate: u8,
    /// Thrown away by the jitter buffer since the beginning, in 256ths.
    pub discard_rate: u8,
    /// Lost or thrown away within bursts, in 256ths.
    pub burst_density: u8,
    /// From one RTP interface to the other and back, in milliseconds; 0 if
    /// unknown.
    pub round_trip_delay: u16,
    /// Delay within the end system, in milliseconds; 0 if unknown.
    pub end_system_delay: u16,
    /// The R factor, 127 if unknown.
    pub r_factor: u8,
    /// Listening quality as MOS times 10, 127 if unknown.
    pub mos_lq: u8,
    /// Conversational quality as MOS times 10, 127 if unknown.
    pub mos_cq: u8,
    /// The jitter buffer's usual delay, in milliseconds.
    pub jitter_buffer_nominal: u16,
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

/// Whether octets are packets of RTCP that end where the octets do: one that is
/// protected has more behind it (RFC 3711, 3.4).
#[must_use]
pub fn is_compound(mut octets: &[u8]) -> bool {
    for _ in 0..MAX_PACKETS {
        let (Some(first), Some(kind), Some(words)) =
            (u8_at(octets, 0), u8_at(octets, 1), u16_at(octets, 2))
        else {
            return false;
        };
        let length = usize::from(words).saturating_add(1).saturating_mul(4);
        if first >> 6 != 2 || !(192..=223).contains(&kind) || length > octets.len() {
            return false;
        }
        octets = octets::from(octets, length);
        if octets.is_empty() {
            return true;
        }
    }
    false
}

/// Hands each packet of a compound to `each`.
pub fn walk<'a>(mut octets: &'a [u8], mut each: impl FnMut(RtcpPacket<'a>)) {
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
                let text = count.saturating_mul(4).saturating_add(4);
                let reason = u8_at(body, text)
                    .map(|length| octets::span(body, text.saturating_add(1), length.into()))
                    .filter(|reason| !reason.is_empty());
                for number in 0..count {
                    let at = number.saturating_mul(4).saturating_add(4);
                    let Some(ssrc) = u32_at(body, at) else { break };
                    each(RtcpPacket::Bye { ssrc, reason });
                }
            }
            202 => descriptions(octets::from(body, 4), count, &mut each),
            204 => {
                if let (Some(ssrc), Some(name)) = (u32_at(body, 4), body.get(8..12)) {
                    let name = name.try_into().unwrap_or_default();
                    each(RtcpPacket::Application { ssrc, name });
                }
            }
            205 | 206 => {
                let format = first & 0x1f;
                // A request for a whole picture names whom it asks in its entries (RFC
                // 5104, 4.3.1.1).
                let is_full_intra = (kind, format) == (206, 4);
                let asked = if is_full_intra { 12..body.len() } else { 8..9 };
                for at in asked.step_by(8) {
                    if let Some(ssrc) = u32_at(body, at) {
                        each(RtcpPacket::Feedback { kind, format, ssrc });
                    }
                }
            }
            207 => extended(octets::from(body, 8), &mut each),
            other => each(RtcpPacket::Other(other)),
        }
        octets = octets::from(octets, length);
    }
}

/// The chunks of a source description, each padded to four octets.
fn descriptions<'a>(mut octets: &'a [u8], chunks: usize, each: &mut impl FnMut(RtcpPacket<'a>)) {
    for _ in 0..chunks {
        let Some(ssrc) = u32_at(octets, 0) else {
            return;
        };
        let mut at = 4_usize;
        while let Some(item) = u8_at(octets, at).filter(|item| *item != 0) {
            let Some(length) = u8_at(octets, at.saturating_add(1)) else {
                return;
            };
            let text = octets::span(octets, at.saturating_add(2), length.into());
            each(RtcpPacket::Description { ssrc, item, text });
            at = at.saturating_add(2).saturating_add(length.into());
        }
        // The octet that ends the items, and what fills the word.
        octets = octets::from(octets, at.saturating_add(1).next_multiple_of(4));
    }
}

/// The blocks of an extended report (RFC 3611, 3).
fn extended<'a>(mut octets: &'a [u8], each: &mut impl FnMut(RtcpPacket<'a>)) {
    while let (Some(kind), Some(words)) = (u8_at(octets, 0), u16_at(octets, 2)) {
        let length = usize::from(words).saturating_add(1).saturating_mul(4);
        if kind == 7
            && let Some(metrics) = voip_metrics(octets::span(octets, 0, length))
        {
            each(RtcpPacket::VoipMetrics(metrics));
        }
        octets = octets::from(octets, length);
    }
}

fn voip_metrics(block: &[u8]) -> Option<VoipMetrics> {
    Some(VoipMetrics {
        ssrc: u32_at(block, 4)?,
        loss_rate: u8_at(block, 8)?,
        discard_rate: u8_at(block, 9)?,
        burst_density: u8_at(block, 10)?,
        round_trip_delay: u16_at(block, 16)?,
        end_system_delay: u16_at(block, 18)?,
        r_factor: u8_at(block, 24)?,
        mos_lq: u8_at(block, 26)?,
        mos_cq: u8_at(block, 27)?,
        jitter_buffer_nominal: u16_at(block, 30)?,
    })
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

    fn packets(octets: &[u8]) -> Vec<RtcpPacket<'_>> {
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

    fn metrics() -> Vec<u8> {
        let mut octets = vec![0x80, 207, 0, 10, 0, 0, 0, 1, 7, 0, 0, 8];
        octets.extend([0, 0, 0, 2, 64, 32, 128, 0]);
        octets.extend([0, 1, 0, 2, 0, 150, 0, 60, 0, 0, 0, 16]);
        octets.extend([82, 127, 40, 39, 0, 0, 0, 40, 0, 60, 0, 200]);
        octets
    }

    #[test]
    fn a_compound_is_walked_to_its_end() {
        let octets = compound();
        let read = packets(&octets);
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
        let bye = RtcpPacket::Bye {
            ssrc: 1,
            reason: None,
        };
        assert_eq!(read[2], bye);
    }

    /// Two sources described, one that leaves and says why, an application's
    /// own, and a NACK.
    fn described() -> Vec<u8> {
        let mut octets = vec![0x82, 202, 0, 6];
        octets.extend([0, 0, 0, 1, 1, 3, b'a', b'@', b'b', 6, 1, b't', 0, 0, 0, 0]);
        octets.extend([0, 0, 0, 2, 1, 1, b'c', 0]);
        octets.extend([0x81, 203, 0, 2, 0, 0, 0, 1, 3, b'b', b'y', b'e']);
        octets.extend([0x80, 204, 0, 2, 0, 0, 0, 1, b'n', b'a', b'm', b'e']);
        octets.extend([0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
        octets
    }

    #[test]
    fn sources_say_who_they_are_and_why_they_leave() {
        let item = |ssrc, item, text| RtcpPacket::Description { ssrc, item, text };
        assert_eq!(
            packets(&described()),
            [
                item(1, 1, b"a@b"),
                item(1, 6, b"t"),
                item(2, 1, b"c"),
                RtcpPacket::Bye {
                    ssrc: 1,
                    reason: Some(b"bye")
                },
                RtcpPacket::Application {
                    ssrc: 1,
                    name: *b"name"
                },
                RtcpPacket::Feedback {
                    kind: 205,
                    format: 1,
                    ssrc: 2
                },
            ]
        );
    }

    #[test]
    fn an_extended_report_alone_is_read() {
        // Reduced size (RFC 5506): no report leads it.
        let octets = metrics();
        let [RtcpPacket::VoipMetrics(read)] = packets(&octets)[..] else {
            panic!("no metrics");
        };
        assert_eq!((read.ssrc, read.loss_rate, read.discard_rate), (2, 64, 32));
        assert_eq!((read.round_trip_delay, read.end_system_delay), (150, 60));
        assert_eq!((read.r_factor, read.mos_lq, read.mos_cq), (82, 40, 39));
        assert_eq!(read.jitter_buffer_nominal, 40);
    }

    #[test]
    fn m052_cut_and_endless_compounds_end() {
        let whole = [compound(), metrics(), described()].concat();
        let all = packets(&whole);
        for cut in 0..whole.len() {
            assert!(packets(&whole[..cut]).len() <= all.len());
        }
        assert_eq!(packets(&[0x80, 199, 0, 0].repeat(1000)).len(), MAX_PACKETS);
        assert_eq!(packets(&[0x9f, 201, 0, 1, 0, 0, 0, 1]), []);
    }
}
