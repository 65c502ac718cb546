//! The fixed header (RFC 3550, 5.1).

use crate::octets::{self, u8_at, u16_at, u32_at};

/// One RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpPacket<'a> {
    /// Whether the marker is set: a talkspurt or a picture begins or ends.
    pub marker: bool,
    /// What the payload is.
    pub payload_type: u8,
    /// Goes up by one with each packet.
    pub sequence_number: u16,
    /// When the payload was sampled, in ticks of its clock.
    pub timestamp: u32,
    /// Who sends.
    pub ssrc: u32,
    /// The payload without padding.
    pub payload: &'a [u8],
}

impl<'a> RtpPacket<'a> {
    /// Reads a packet; `None` where the header can't be one of RTP.
    #[inline]
    #[must_use]
    pub fn parse(octets: &'a [u8]) -> Option<Self> {
        let first = u8_at(octets, 0)?;
        if first >> 6 != 2 {
            return None;
        }
        let second = u8_at(octets, 1)?;
        let payload_type = second & 0x7f;
        // 72 to 76 are RTCP's 200 to 204 (RFC 5761, 4).
        if (72..=76).contains(&payload_type) {
            return None;
        }
        let sequence_number = u16_at(octets, 2)?;
        let timestamp = u32_at(octets, 4)?;
        let ssrc = u32_at(octets, 8)?;
        let mut header = 12_usize.saturating_add(usize::from(first & 0x0f).saturating_mul(4));
        if first & 0x10 != 0 {
            let words = usize::from(u16_at(octets, header.saturating_add(2))?);
            header = header
                .saturating_add(4)
                .saturating_add(words.saturating_mul(4));
        }
        let mut payload = octets.get(header..)?;
        if first & 0x20 != 0 {
            let padding = usize::from(*payload.last()?);
            if padding == 0 || padding > payload.len() {
                return None;
            }
            payload = octets::span(payload, 0, payload.len().saturating_sub(padding));
        }
        Some(Self {
            marker: second & 0x80 != 0,
            payload_type,
            sequence_number,
            timestamp,
            ssrc,
            payload,
        })
    }
}

/// Whether octets are RTCP by their shape: version 2, a packet type of RTCP,
/// a length that fits (RFC 3550, A.2; RFC 5761, 4).
#[must_use]
pub fn looks_like_rtcp(octets: &[u8]) -> bool {
    let (Some(first), Some(kind), Some(words)) =
        (u8_at(octets, 0), u8_at(octets, 1), u16_at(octets, 2))
    else {
        return false;
    };
    let length = usize::from(words).saturating_add(1).saturating_mul(4);
    first >> 6 == 2 && (200..=207).contains(&kind) && length <= octets.len() && octets.len() >= 8
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: &[u8] = &[0x80, 0x88, 0x12, 0x34, 0, 0, 0, 160, 0, 0, 0, 9, 1, 2, 3];

    #[test]
    fn a_plain_packet() {
        let packet = RtpPacket::parse(PACKET).expect("a packet");
        assert!(packet.marker);
        assert_eq!(packet.payload_type, 8);
        assert_eq!(packet.sequence_number, 0x1234);
        assert_eq!(packet.timestamp, 160);
        assert_eq!(packet.ssrc, 9);
        assert_eq!(packet.payload, [1, 2, 3]);
    }

    #[test]
    fn m051_headers_that_do_not_fit_are_refused() {
        let check = |first: u8, second: u8, rest: &[u8], expected: Option<usize>| {
            let octets = [&[first, second], &PACKET[2..12], rest].concat();
            let length = RtpPacket::parse(&octets).map(|packet| packet.payload.len());
            assert_eq!(length, expected, "{first:#x} {second} {rest:?}");
        };
        check(0x80, 8, &[], Some(0));
        check(0x40, 8, &[1], None);
        check(0x80, 71, &[1], Some(1));
        check(0x80, 72, &[1], None);
        check(0x80, 76, &[1], None);
        check(0x80, 77, &[1], Some(1));
        check(0x8f, 8, &[0; 60], Some(0));
        check(0x8f, 8, &[0; 59], None);
        check(0x90, 8, &[0, 0, 0, 1, 0, 0, 0, 0, 7], Some(1));
        check(0x90, 8, &[0, 0, 0, 2, 0, 0, 0, 0], None);
        check(0xa0, 8, &[7, 2], Some(0));
        check(0xa0, 8, &[7, 3], None);
        check(0xa0, 8, &[7, 0], None);
        check(0xa0, 8, &[], None);
        for cut in 0..12 {
            assert_eq!(RtpPacket::parse(&PACKET[..cut]), None);
        }
    }

    #[test]
    fn rtcp_is_told_by_type_and_length() {
        assert!(looks_like_rtcp(&[0x80, 201, 0, 1, 0, 0, 0, 9]));
        assert!(!looks_like_rtcp(&[0x80, 201, 0, 2, 0, 0, 0, 9]));
        assert!(!looks_like_rtcp(&[0x80, 199, 0, 1, 0, 0, 0, 9]));
        assert!(!looks_like_rtcp(&[0x80, 208, 0, 1, 0, 0, 0, 9]));
        assert!(!looks_like_rtcp(&[0x40, 201, 0, 1, 0, 0, 0, 9]));
        assert!(!looks_like_rtcp(&[0x80, 201, 0]));
    }
}
