//! The pcapng format: sections made of blocks.

use super::{CaptureError, Interface, MAX_BLOCK, MAX_INTERFACES, MAX_PACKET, Secrets, Step};
use crate::octets;
use crate::packet::LinkType;
use crate::time::Timestamp;

/// The type of a section header block; a palindrome, so that it reads the same
/// in both byte orders.
pub(super) const SECTION_MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;

const OPTION_NAME: u16 = 2;
const OPTION_TIME_RESOLUTION: u16 = 9;
const OPTION_TIME_OFFSET: u16 = 14;
const OPTION_INTERFACE_DROPPED: u16 = 5;
const OPTION_SYSTEM_DROPPED: u16 = 7;

/// The most octets of secrets kept of one file.
const MAX_SECRETS: usize = 16 * 1024 * 1024;

/// The section being read: its byte order and the clocks of its interfaces.
#[derive(Debug, Default)]
pub(super) struct Section {
    swapped: bool,
    /// Where this section's interfaces begin in the file's list.
    first_interface: usize,
    clocks: Vec<Clock>,
    /// Interface blocks past [`MAX_INTERFACES`].
    untold: usize,
}

/// How an interface counts time.
#[derive(Clone, Copy, Debug)]
struct Clock {
    resolution: Resolution,
    offset_s: i64,
}

#[derive(Clone, Copy, Debug)]
enum Resolution {
    /// Units of 10^-n seconds.
    Decimal(u8),
    /// Units of 2^-n seconds.
    Binary(u8),
}

impl Clock {
    fn timestamp(self, units: u64) -> Timestamp {
        let units = u128::from(units);
        let nanoseconds = match self.resolution {
            Resolution::Decimal(digits @ 0..=9) => {
                units.saturating_mul(10_u128.pow(9_u32.saturating_sub(u32::from(digits))))
            }
            Resolution::Decimal(digits) => 10_u128
                .checked_pow(u32::from(digits).saturating_sub(9))
                .and_then(|divisor| units.checked_div(divisor))
                .unwrap_or_default(),
            Resolution::Binary(bits) => units
                .saturating_mul(1_000_000_000)
                .checked_shr(u32::from(bits))
                .unwrap_or_default(),
        };
        let offset = i128::from(self.offset_s).saturating_mul(1_000_000_000);
        let nanoseconds = i128::try_from(nanoseconds)
            .unwrap_or(i128::MAX)
            .saturating_add(offset);
        Timestamp::from_nanos(u64::try_from(nanoseconds.max(0)).unwrap_or(u64::MAX))
    }

    fn digits(self) -> u8 {
        match self.resolution {
            Resolution::Decimal(digits) => digits.min(9),
            // 10 bits are about 3 digits.
            Resolution::Binary(bits) => {
                u8::try_from(u16::from(bits).saturating_mul(3).div_ceil(10))
                    .unwrap_or(9)
                    .min(9)
            }
        }
    }
}

impl Section {
    fn u16(&self, octets: &[u8], at: usize) -> u16 {
        let value = octets::u16_at(octets, at).unwrap_or_default();
        if self.swapped {
            value.swap_bytes()
        } else {
            value
        }
    }

    fn u32(&self, octets: &[u8], at: usize) -> u32 {
        let value = octets::u32_at(octets, at).unwrap_or_default();
        if self.swapped {
            value.swap_bytes()
        } else {
            value
        }
    }

    fn u64(&self, octets: &[u8], at: usize) -> u64 {
        let first = u64::from(self.u32(octets, at));
        let second = u64::from(self.u32(octets, at.saturating_add(4)));
        if self.swapped {
            first | (second << 32)
        } else {
            (first << 32) | second
        }
    }

    /// A timestamp's halves come high first, in either byte order.
    fn units(&self, octets: &[u8], at: usize) -> u64 {
        (u64::from(self.u32(octets, at)) << 32) | u64::from(self.u32(octets, at.saturating_add(4)))
    }

    /// The options of a block from `at` on, as code and value.
    fn options<'a>(&'a self, body: &'a [u8], at: usize) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut rest = octets::from(body, at);
        std::iter::from_fn(move || {
            if rest.len() < 4 {
                return None;
            }
            let (code, length) = (self.u16(rest, 0), usize::from(self.u16(rest, 2)));
            if code == 0 {
                return None;
            }
            let value = rest.get(4..length.saturating_add(4))?;
            rest = octets::from(rest, length.next_multiple_of(4).saturating_add(4));
            Some((code, value))
        })
    }
}

/// One block.
pub(super) fn block<'a>(
    section: &mut Section,
    interfaces: &mut Vec<Interface>,
    secrets: &mut Vec<Secrets>,
    unnumbered: &mut u64,
    octets: &'a [u8],
) -> Result<Step<'a>, CaptureError> {
    if octets.len() < 12 {
        return Ok(Step::NeedMore(12));
    }
    if octets.starts_with(&SECTION_MAGIC) {
        match octets::u32_at(octets, 8) {
            Some(0x1a2b_3c4d) => section.swapped = false,
            Some(0x4d3c_2b1a) => section.swapped = true,
            _ => {
                return Err(CaptureError::BadBlock {
                    kind: SECTION,
                    length: 0,
                });
            }
        }
        section.first_interface = interfaces.len();
        section.clocks.clear();
        section.untold = 0;
    }
    let (kind, length) = (section.u32(octets, 0), section.u32(octets, 4));
    let bound = match kind {
        PACKET | SIMPLE_PACKET | ENHANCED_PACKET => MAX_PACKET.saturating_add(65_536),
        _ => MAX_BLOCK,
    };
    if length < 12 || length % 4 != 0 || length > bound {
        return Err(CaptureError::BadBlock { kind, length });
    }
    let consumed = length as usize;
    let Some(body) = octets.get(8..consumed.saturating_sub(4)) else {
        return Ok(Step::NeedMore(consumed));
    };
    if octets.len() < consumed {
        return Ok(Step::NeedMore(consumed));
    }
    if section.u32(octets, consumed.saturating_sub(4)) != length {
        return Err(CaptureError::BadBlock { kind, length });
    }
    match kind {
        INTERFACE => describe(section, interfaces, body),
        INTERFACE_STATISTICS => count_drops(section, interfaces, body),
        DECRYPTION_SECRETS => {
            let held: usize = secrets.iter().map(|secrets| secrets.data.len()).sum();
            let data = octets::span(body, 8, section.u32(body, 4) as usize);
            if held.saturating_add(data.len()) <= MAX_SECRETS {
                secrets.push(Secrets {
                    kind: section.u32(body, 0),
                    data: data.to_vec(),
                });
            }
        }
        ENHANCED_PACKET | PACKET => {
            let number = if kind == PACKET {
                usize::from(section.u16(body, 0))
            } else {
                section.u32(body, 0) as usize
            };
            let Some(clock) = section.clocks.get(number) else {
                *unnumbered = unnumbered.saturating_add(1);
                return Ok(Step::Skipped { consumed });
            };
            let captured = section.u32(body, 12);
            if captured > MAX_PACKET {
                return Err(CaptureError::PacketTooLong { length: captured });
            }
            let Some(data) = body.get(20..(captured as usize).saturating_add(20)) else {
                return Err(CaptureError::BadBlock { kind, length });
            };
            return Ok(Step::Packet {
                consumed,
                interface: section.first_interface.saturating_add(number),
                timestamp: clock.timestamp(section.units(body, 4)),
                original_length: section.u32(body, 16).max(captured),
                data,
            });
        }
        SIMPLE_PACKET => {
            if section.clocks.is_empty() {
                *unnumbered = unnumbered.saturating_add(1);
                return Ok(Step::Skipped { consumed });
            }
            let original_length = section.u32(body, 0);
            let snap = interfaces
                .get(section.first_interface)
                .map_or(0, |interface| interface.snap_length);
            let kept = if snap == 0 {
                original_length
            } else {
                original_length.min(snap)
            };
            // A simple packet has no time of its own; the epoch says so.
            return Ok(Step::Packet {
                consumed,
                interface: section.first_interface,
                timestamp: Timestamp::default(),
                original_length,
                data: octets::span(body, 4, kept as usize),
            });
        }
        _ => {}
    }
    Ok(Step::Skipped { consumed })
}

fn describe(section: &mut Section, interfaces: &mut Vec<Interface>, body: &[u8]) {
    if interfaces.len() >= MAX_INTERFACES {
        section.untold = section.untold.saturating_add(1);
        return;
    }
    let mut clock = Clock {
        resolution: Resolution::Decimal(6),
        offset_s: 0,
    };
    let mut name = None;
    for (code, value) in section.options(body, 8) {
        match (code, value) {
            (OPTION_NAME, value) => name = Some(octets::text(value)),
            (OPTION_TIME_RESOLUTION, &[bits, ..]) => {
                clock.resolution = if bits & 0x80 == 0 {
                    Resolution::Decimal(bits)
                } else {
                    Resolution::Binary(bits & 0x7f)
                };
            }
            (OPTION_TIME_OFFSET, value) if value.len() >= 8 => {
                clock.offset_s = section.u64(value, 0).cast_signed();
            }
            _ => {}
        }
    }
    interfaces.push(Interface {
        link_type: LinkType(u32::from(section.u16(body, 0))),
        snap_length: section.u32(body, 4),
        name,
        digits: clock.digits(),
        dropped: None,
    });
    section.clocks.push(clock);
}

fn count_drops(section: &Section, interfaces: &mut [Interface], body: &[u8]) {
    let number = section
        .first_interface
        .saturating_add(section.u32(body, 0) as usize);
    let mut dropped = None;
    for (code, value) in section.options(body, 12) {
        if matches!(code, OPTION_INTERFACE_DROPPED | OPTION_SYSTEM_DROPPED) && value.len() >= 8 {
            let count = section.u64(value, 0);
            dropped = Some(dropped.unwrap_or(0_u64).saturating_add(count));
        }
    }
    if let (Some(interface), Some(dropped)) = (interfaces.get_mut(number), dropped) {
        // Statistics are totals so far: the last block counts.
        interface.dropped = Some(dropped);
    }
}
