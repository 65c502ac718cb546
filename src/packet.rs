//! A captured packet, and how later pages point back at it.

use crate::time::Timestamp;

/// Which file and interface a packet came from; an index into the run's list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CapturePoint(pub u16);

/// The link-layer header type of a packet, numbered as in capture files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u32);

/// One captured packet, borrowed from the reader's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The frame number, from 1 in each file, as Wireshark counts.
    pub number: u32,
    /// When it was captured.
    pub timestamp: Timestamp,
    /// Where it was captured.
    pub capture_point: CapturePoint,
    /// What the first octet belongs to.
    pub link_type: LinkType,
    /// How long it was on the wire; more than `data` when the capture cut it.
    pub original_length: u32,
    /// The octets kept.
    pub data: &'a [u8],
}

impl Packet<'_> {
    /// Where and when, without the octets.
    #[must_use]
    pub const fn at(&self) -> PacketRef {
        PacketRef {
            number: self.number,
            capture_point: self.capture_point,
            timestamp: self.timestamp,
        }
    }
}

/// Where and when something was captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketRef {
    /// The frame number, from 1 in each file.
    pub number: u32,
    /// Where it was captured.
    pub capture_point: CapturePoint,
    /// When it was captured.
    pub timestamp: Timestamp,
}
