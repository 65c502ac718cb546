//! Each packet of a probe, to a capture file and to the inspector: a probe's
//! own traffic is judged by the rules that judge everybody's.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use etherparse::PacketBuilder;

use crate::inspector::{Config, Inspector, PointInfo};
use crate::net::{Endpoint, Transport};
use crate::packet::{CapturePoint, LinkType, Packet};
use crate::pcap::PcapNgWriter;
use crate::report::{DiagnosticRecord, Record};
use crate::time::Timestamp;

/// Packets begin with an IP header.
const RAW: LinkType = LinkType(101);
/// Hops that a packet may take, as most hosts have it.
const HOPS: u8 = 64;

/// Takes each packet that a probe sends or receives.
#[derive(Debug)]
pub struct Tap {
    inspector: Inspector,
    point: CapturePoint,
    writer: Option<(PathBuf, PcapNgWriter<BufWriter<File>>)>,
    written: io::Result<()>,
    /// The next octet of each direction of a stream.
    sequences: HashMap<(Endpoint, Endpoint), u32>,
    packets: u32,
    /// Whether what it takes went over TLS: it is plain here alone.
    pub is_decrypted: bool,
    /// Packets sent.
    pub sent: u64,
    /// Packets received.
    pub received: u64,
}

impl Tap {
    /// Writes to a new file, if one is named. Only its owner may read it.
    ///
    /// # Errors
    ///
    /// When the file can't be made.
    pub fn new(path: Option<&Path>) -> io::Result<Self> {
        let writer = match path {
            None => None,
            Some(path) => {
                let mut options = OpenOptions::new();
                options.write(true).create(true).truncate(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let file = BufWriter::new(options.open(path)?);
                let writer = PcapNgWriter::new(file, &[("probe", RAW)])?;
                Some((path.to_owned(), writer))
            }
        };
        let mut inspector = Inspector::new(Config::default());
        let point = inspector.add_point(PointInfo {
            file: "probe".to_owned(),
            interface: "probe".to_owned(),
            link_type: RAW,
            digits: 9,
            dropped: None,
        });
        Ok(Self {
            inspector,
            point,
            writer,
            written: Ok(()),
            sequences: HashMap::new(),
            packets: 0,
            is_decrypted: false,
            sent: 0,
            received: 0,
        })
    }

    /// Takes one packet.
    pub fn packet(
        &mut self,
        now: Timestamp,
        transport: Transport,
        (from, to): (Endpoint, Endpoint),
        octets: &[u8],
        is_sent: bool,
    ) {
        let count = match is_sent {
            true => &mut self.sent,
            false => &mut self.received,
        };
        *count = count.saturating_add(1);
        self.packets = self.packets.saturating_add(1);
        let Some(data) = self.frame(transport, from, to, octets) else {
            return;
        };
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        if let Some((_, writer)) = self.writer.as_mut().filter(|_| self.written.is_ok()) {
            self.written = writer.packet(0, now, &data, length);
        }
        self.inspector.handle(&Packet {
            number: self.packets,
            timestamp: now,
            file: 0,
            capture_point: self.point,
            link_type: RAW,
            original_length: length,
            data: &data,
        });
    }

    /// The packet as it goes over IP, but for what only the wire knows.
    fn frame(
        &mut self,
        transport: Transport,
        from: Endpoint,
        to: Endpoint,
        octets: &[u8],
    ) -> Option<Vec<u8>> {
        let ip = match (from.ip, to.ip) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                PacketBuilder::ipv4(from.octets(), to.octets(), HOPS)
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                PacketBuilder::ipv6(from.octets(), to.octets(), HOPS)
            }
            _ => return None,
        };
        let mut data = Vec::with_capacity(octets.len().saturating_add(60));
        if transport == Transport::Udp {
            ip.udp(from.port, to.port).write(&mut data, octets).ok()?;
            return Some(data);
        }
        let acknowledged = self.sequences.get(&(to, from)).copied().unwrap_or(1);
        let sequence = self.sequences.entry((from, to)).or_insert(1);
        let own = *sequence;
        *sequence = own.wrapping_add(u32::try_from(octets.len()).ok()?);
        ip.tcp(from.port, to.port, own, 65_535)
            .ack(acknowledged)
            .write(&mut data, octets)
            .ok()?;
        Some(data)
    }

    /// Ends it: what the rules say, and where the packets were written to.
    ///
    /// # Errors
    ///
    /// When the file could not be written whole.
    pub fn finish(mut self) -> io::Result<(Vec<DiagnosticRecord>, Option<PathBuf>)> {
        self.inspector.finish();
        let mut diagnostics = Vec::new();
        while let Some(record) = self.inspector.poll_record() {
            // That sips travels in the clear can't be told where TLS was taken off.
            if let Record::Diagnostic(own) = record
                && !(self.is_decrypted && own.code == "TRN010")
            {
                diagnostics.push(*own);
            }
        }
        self.written?;
        let path = match self.writer {
            None => None,
            Some((path, writer)) => {
                writer.finish()?;
                Some(path)
            }
        };
        Ok((diagnostics, path))
    }
}
