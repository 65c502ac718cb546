//! Writing captures: strict, little-endian, nanoseconds.

use std::io::{self, Write};

use crate::packet::LinkType;
use crate::time::Timestamp;

/// Writes a classic pcap file with nanosecond stamps.
#[derive(Debug)]
pub struct PcapWriter<W> {
    out: W,
}

impl<W: Write> PcapWriter<W> {
    /// Starts a file of `link_type`.
    ///
    /// # Errors
    ///
    /// When the header can't be written.
    pub fn new(mut out: W, link_type: LinkType) -> io::Result<Self> {
        let mut header = Vec::with_capacity(24);
        header.extend(0xa1b2_3c4d_u32.to_le_bytes());
        header.extend(2_u16.to_le_bytes());
        header.extend(4_u16.to_le_bytes());
        header.extend([0; 8]);
        header.extend(super::MAX_PACKET.to_le_bytes());
        header.extend(link_type.0.to_le_bytes());
        out.write_all(&header)?;
        Ok(Self { out })
    }

    /// Appends one packet that was `original_length` octets long.
    ///
    /// # Errors
    ///
    /// When the record can't be written, or the packet is longer than any can be.
    pub fn packet(
        &mut self,
        timestamp: Timestamp,
        data: &[u8],
        original_length: u32,
    ) -> io::Result<()> {
        let length = checked_length(data)?;
        let original = original_length.max(length);
        let nanoseconds = timestamp.as_nanos();
        let seconds = u32::try_from(nanoseconds / 1_000_000_000).unwrap_or(u32::MAX);
        let fraction = u32::try_from(nanoseconds % 1_000_000_000).unwrap_or_default();
        for field in [seconds, fraction, length, original] {
            self.out.write_all(&field.to_le_bytes())?;
        }
        self.out.write_all(data)
    }

    /// What is written to.
    pub const fn get_ref(&self) -> &W {
        &self.out
    }

    /// What is written to, for flushing.
    pub const fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Flushes and hands back what was written to.
    ///
    /// # Errors
    ///
    /// When flushing fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Writes a pcapng file of one section with several interfaces.
#[derive(Debug)]
pub struct PcapNgWriter<W> {
    out: W,
}

impl<W: Write> PcapNgWriter<W> {
    /// Starts a file whose interfaces have these names and link types.
    ///
    /// # Errors
    ///
    /// When the head can't be written.
    pub fn new(mut out: W, interfaces: &[(&str, LinkType)]) -> io::Result<Self> {
        let mut section = Vec::new();
        section.extend(0x1a2b_3c4d_u32.to_le_bytes());
        section.extend(1_u16.to_le_bytes());
        section.extend(0_u16.to_le_bytes());
        section.extend(u64::MAX.to_le_bytes());
        write_block(&mut out, 0x0a0d_0d0a, &section)?;
        for (name, link_type) in interfaces {
            let mut body = Vec::new();
            body.extend(u16::try_from(link_type.0).unwrap_or_default().to_le_bytes());
            body.extend([0; 2]);
            body.extend(super::MAX_PACKET.to_le_bytes());
            write_option(&mut body, 2, name.as_bytes());
            write_option(&mut body, 9, &[9]);
            body.extend([0; 4]);
            write_block(&mut out, 1, &body)?;
        }
        Ok(Self { out })
    }

    /// Appends secrets of a kind, for the packets that follow.
    ///
    /// # Errors
    ///
    /// When the block can't be written.
    pub fn secrets(&mut self, kind: u32, data: &[u8]) -> io::Result<()> {
        let length =
            u32::try_from(data.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let body = [&kind.to_le_bytes()[..], &length.to_le_bytes(), data].concat();
        write_block(&mut self.out, 10, &body)
    }

    /// Appends one packet of interface number `interface` that was
    /// `original_length` octets long.
    ///
    /// # Errors
    ///
    /// When the block can't be written, or the packet is longer than any can be.
    pub fn packet(
        &mut self,
        interface: u32,
        timestamp: Timestamp,
        data: &[u8],
        original_length: u32,
    ) -> io::Result<()> {
        let length = checked_length(data)?;
        let units = timestamp.as_nanos();
        let mut body = Vec::with_capacity(data.len().saturating_add(24));
        body.extend(interface.to_le_bytes());
        body.extend(u32::try_from(units >> 32).unwrap_or_default().to_le_bytes());
        body.extend(
            u32::try_from(units & 0xffff_ffff)
                .unwrap_or_default()
                .to_le_bytes(),
        );
        body.extend(length.to_le_bytes());
        body.extend(original_length.max(length).to_le_bytes());
        body.extend(data);
        write_block(&mut self.out, 6, &body)
    }

    /// What is written to.
    pub const fn get_ref(&self) -> &W {
        &self.out
    }

    /// What is written to, for flushing.
    pub const fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Flushes and hands back what was written to.
    ///
    /// # Errors
    ///
    /// When flushing fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

fn checked_length(data: &[u8]) -> io::Result<u32> {
    u32::try_from(data.len())
        .ok()
        .filter(|&length| length <= super::MAX_PACKET)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "packet too long for a capture"))
}

fn write_option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend(code.to_le_bytes());
    body.extend(u16::try_from(value.len()).unwrap_or_default().to_le_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn write_block(out: &mut impl Write, kind: u32, body: &[u8]) -> io::Result<()> {
    let padded = body.len().next_multiple_of(4);
    let total = u32::try_from(padded.saturating_add(12))
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&total.to_le_bytes())?;
    out.write_all(body)?;
    for _ in body.len()..padded {
        out.write_all(&[0])?;
    }
    out.write_all(&total.to_le_bytes())
}
