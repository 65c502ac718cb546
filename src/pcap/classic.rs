//! The classic format: a file header of 24 octets, then records.

use super::{CaptureError, Interface, MAX_PACKET, Step};
use crate::octets;
use crate::packet::LinkType;
use crate::time::Timestamp;

/// Octets of the file header.
pub(super) const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// Byte order and clock of a file, told by its magic number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    swapped: bool,
    nanoseconds: bool,
}

impl Layout {
    pub(super) fn of_magic(magic: [u8; 4]) -> Result<Self, CaptureError> {
        let (swapped, nanoseconds) = match magic {
            [0xa1, 0xb2, 0xc3, 0xd4] => (false, false),
            [0xd4, 0xc3, 0xb2, 0xa1] => (true, false),
            [0xa1, 0xb2, 0x3c, 0x4d] => (false, true),
            [0x4d, 0x3c, 0xb2, 0xa1] => (true, true),
            [0xa1, 0xb2, 0xcd, 0x34] | [0x34, 0xcd, 0xb2, 0xa1] => {
                return Err(CaptureError::Unsupported(
                    "Kuznetzov's variant of pcap (magic a1b2cd34)",
                ));
            }
            other => return Err(CaptureError::NotACapture(other)),
        };
        Ok(Self {
            swapped,
            nanoseconds,
        })
    }

    pub(super) fn interface(self, header: &[u8]) -> Interface {
        // The upper bits of the last field tell of the frame check sequence.
        let link_type = self.u32(header, 20) & 0x03ff_ffff;
        Interface {
            link_type: LinkType(link_type),
            snap_length: self.u32(header, 16),
            name: None,
            digits: if self.nanoseconds { 9 } else { 6 },
            dropped: None,
        }
    }

    fn u32(self, octets: &[u8], at: usize) -> u32 {
        let value = octets::u32_at(octets, at).unwrap_or_default();
        if self.swapped {
            value.swap_bytes()
        } else {
            value
        }
    }
}

/// One packet record.
#[inline]
pub(super) fn record(layout: Layout, octets: &[u8]) -> Result<Step<'_>, CaptureError> {
    if octets.len() < RECORD_HEADER {
        return Ok(Step::NeedMore(RECORD_HEADER));
    }
    let length = layout.u32(octets, 8);
    if length > MAX_PACKET {
        return Err(CaptureError::PacketTooLong { length });
    }
    let end = RECORD_HEADER.saturating_add(length as usize);
    let Some(data) = octets.get(RECORD_HEADER..end) else {
        return Ok(Step::NeedMore(end));
    };
    let fraction = u64::from(layout.u32(octets, 4));
    let fraction = if layout.nanoseconds {
        fraction
    } else {
        fraction.saturating_mul(1000)
    };
    let nanoseconds = u64::from(layout.u32(octets, 0))
        .saturating_mul(1_000_000_000)
        .saturating_add(fraction);
    Ok(Step::Packet {
        consumed: end,
        interface: 0,
        timestamp: Timestamp::from_nanos(nanoseconds),
        original_length: layout.u32(octets, 12).max(length),
        data,
    })
}
