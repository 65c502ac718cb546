//! Octets of a capture, and where the packets lie in them.

use crate::time::Timestamp;

/// A packet of a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// The frame number, from 1.
    pub number: u32,
    /// When it was captured.
    pub timestamp: Timestamp,
    /// How long it was on the wire.
    pub original_length: u32,
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// Packets that were read at once.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// What was read; more than the packets.
    pub octets: Vec<u8>,
    /// The packets, in their order.
    pub heads: Vec<Head>,
    /// Where all of them were captured: an index into the interfaces of the file.
    pub interface: usize,
}

impl Chunk {
    /// The octets of a packet.
    #[inline]
    pub(super) fn data(&self, head: &Head) -> &[u8] {
        self.octets.get(head.start..head.end).unwrap_or_default()
    }
}
