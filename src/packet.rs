//! A captured packet, and how later pages point back at it.

use crate::time::Timestamp;

/// Where packets are captured: an interface, of one file or of several that go on where
/// the one before ends; an index into the run's list.
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
    /// Which file it is of; an index into the run's list.
    pub file: u16,
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
            file: self.file,
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
    /// Which file it is of; an index into the run's list.
    pub file: u16,
    /// Where it was captured.
    pub capture_point: CapturePoint,
    /// When it was captured.
    pub timestamp: Timestamp,
}
