//! Capture files as octets: pcap and pcapng, read and written.
//!
//! [`Decoder`] is fed octets and hands back packets; it touches no file and
//! allocates nothing that a length field asks for. Layouts are those of the
//! IETF drafts `draft-ietf-opsawg-pcap` and `draft-ietf-opsawg-pcapng`.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod classic;
mod ng;
mod write;

pub use write::{PcapNgWriter, PcapWriter};

use crate::packet::LinkType;
use crate::time::Timestamp;

/// The longest packet that a reader accepts, as in libpcap.
pub const MAX_PACKET: u32 = 262_144;
/// The longest pcapng block of another kind that a reader walks over.
pub const MAX_BLOCK: u32 = 64 * 1024 * 1024;
/// The most interfaces of one pcapng file that are told apart.
pub const MAX_INTERFACES: usize = 4096;

/// Why the octets are no capture, or stop being one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// The first octets are those of no capture format.
    #[error("not a capture file (it begins with {})", hex(.0))]
    NotACapture([u8; 4]),
    /// A variant of pcap that is recognised but not read.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// A record declares a length that no capture has.
    #[error(
        "a packet record declares {length} octets, more than the {MAX_PACKET} that a packet can have"
    )]
    PacketTooLong {
        /// The declared length.
        length: u32,
    },
    /// A block's length contradicts itself or the format.
    #[error("a block of type {kind:#010x} declares an impossible length of {length} octets")]
    BadBlock {
        /// The block type.
        kind: u32,
        /// The declared length.
        length: u32,
    },
}

fn hex(octets: &[u8; 4]) -> String {
    octets
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// One interface of a capture, as its description block says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The link-layer header type.
    pub link_type: LinkType,
    /// The most octets kept of a packet; 0 is no limit.
    pub snap_length: u32,
    /// The interface's name, if the file has it.
    pub name: Option<String>,
    /// Digits of the second that the file's clock has.
    pub digits: u8,
    /// Packets that the capturing system dropped, if the file says.
    pub dropped: Option<u64>,
}

/// What one step of the decoder found.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// More octets are needed: at least this many in all.
    NeedMore(usize),
    /// `consumed` octets held no packet.
    Skipped {
        /// Octets to drop from the front.
        consumed: usize,
    },
    /// A packet.
    Packet {
        /// Octets to drop from the front.
        consumed: usize,
        /// The interface, an index into [`Decoder::interfaces`].
        interface: usize,
        /// When it was captured.
        timestamp: Timestamp,
        /// How long it was on the wire.
        original_length: u32,
        /// The octets kept.
        data: &'a [u8],
    },
}

/// Walks the octets of one capture file.
#[derive(Debug)]
pub struct Decoder {
    format: Format,
    interfaces: Vec<Interface>,
    secrets: Vec<Secrets>,
    unnumbered: u64,
}

/// The kind of secrets that a TLS key log is.
pub const TLS_KEY_LOG: u32 = 0x544c_534b;

/// A decryption-secrets block, kept as it stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// The kind of secrets, [`TLS_KEY_LOG`] most of the time.
    pub kind: u32,
    /// The secrets.
    pub data: Vec<u8>,
}

impl std::fmt::Debug for Secrets {
    // Keys must not reach a log by way of `{:?}`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({:#x}, {} octets)", self.kind, self.data.len())
    }
}

#[derive(Debug)]
enum Format {
    Unknown,
    Classic(classic::Layout),
    Ng(ng::Section),
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the start of a file.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            format: Format::Unknown,
            interfaces: Vec::new(),
            secrets: Vec::new(),
            unnumbered: 0,
        }
    }

    /// The interfaces described so far. A classic file has one.
    #[must_use]
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// The decryption secrets met so far.
    #[must_use]
    pub fn secrets(&self) -> &[Secrets] {
        &self.secrets
    }

    /// Packets that name an interface which the file never described.
    #[must_use]
    pub const fn unnumbered(&self) -> u64 {
        self.unnumbered
    }

    /// Reads one record from the front of `octets`.
    ///
    /// # Errors
    ///
    /// When the octets are no capture, or a record's length is impossible. The
    /// decoder stays where it was; nothing after that point can be trusted.
    #[inline]
    pub fn step<'a>(&mut self, octets: &'a [u8]) -> Result<Step<'a>, CaptureError> {
        match &mut self.format {
            Format::Unknown => self.open(octets),
            Format::Classic(layout) => classic::record(*layout, octets),
            Format::Ng(section) => ng::block(
                section,
                &mut self.interfaces,
                &mut self.secrets,
                &mut self.unnumbered,
                octets,
            ),
        }
    }

    fn open<'a>(&mut self, octets: &'a [u8]) -> Result<Step<'a>, CaptureError> {
        let Some(magic) = octets.first_chunk::<4>() else {
            return Ok(Step::NeedMore(4));
        };
        if *magic == ng::SECTION_MAGIC {
            self.format = Format::Ng(ng::Section::default());
            return self.step(octets);
        }
        let layout = classic::Layout::of_magic(*magic)?;
        if octets.len() < classic::FILE_HEADER {
            return Ok(Step::NeedMore(classic::FILE_HEADER));
        }
        self.interfaces.push(layout.interface(octets));
        self.format = Format::Classic(layout);
        Ok(Step::Skipped {
            consumed: classic::FILE_HEADER,
        })
    }
}

#[cfg(test)]
mod tests;
