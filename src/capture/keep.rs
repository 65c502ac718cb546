//! Packets kept in files, one or a ring of them.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::packet::{LinkType, Packet};
use crate::pcap::{PcapNgWriter, PcapWriter};
use crate::time::{SECOND, Timestamp};

/// How files follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    /// Octets after which the next file begins.
    pub file_octets: Option<u64>,
    /// Files that are kept; older ones of this run are deleted.
    pub files: Option<usize>,
}

/// Writes packets, and flushes them at least once in a second of capture, so
/// that a sudden end costs no more.
pub struct Keeper {
    path: PathBuf,
    ring: Ring,
    interfaces: Vec<(String, LinkType)>,
    current: Current,
    octets: u64,
    number: u64,
    written: VecDeque<PathBuf>,
    flushed: Option<Timestamp>,
    packets: u64,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

enum Current {
    Classic(PcapWriter<BufWriter<File>>),
    Ng(PcapNgWriter<BufWriter<File>>),
}

impl Keeper {
    /// Begins the first file. Its name says the format: `.pcap` is the classic
    /// one, as long as there is one interface.
    ///
    /// # Errors
    ///
    /// When it can't be made.
    pub fn new(path: &Path, interfaces: Vec<(String, LinkType)>, ring: Ring) -> io::Result<Self> {
        let first = name_of(path, ring, 1);
        let current = begin(&first, &interfaces)?;
        Ok(Self {
            path: path.to_owned(),
            ring,
            interfaces,
            current,
            octets: 0,
            number: 1,
            written: VecDeque::from([first]),
            flushed: None,
            packets: 0,
        })
    }

    /// Keeps one packet.
    ///
    /// # Errors
    ///
    /// When it can't be written whole.
    pub fn packet(&mut self, packet: &Packet<'_>) -> io::Result<()> {
        if self
            .ring
            .file_octets
            .is_some_and(|limit| self.octets >= limit)
        {
            self.next_file()?;
        }
        match &mut self.current {
            Current::Classic(writer) => {
                writer.packet(packet.timestamp, packet.data, packet.original_length)?;
            }
            Current::Ng(writer) => {
                writer.packet(
                    u32::from(packet.capture_point.0),
                    packet.timestamp,
                    packet.data,
                    packet.original_length,
                )?;
            }
        }
        self.octets += packet.data.len() as u64 + 32;
        self.packets += 1;
        self.tick(packet.timestamp)
    }

    /// Flushes what a second ago was not flushed.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn tick(&mut self, now: Timestamp) -> io::Result<()> {
        let due = self
            .flushed
            .is_none_or(|flushed| now.since(flushed).abs() >= SECOND);
        if due {
            self.flushed = Some(now);
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.current {
            Current::Classic(writer) => writer.get_mut().flush(),
            Current::Ng(writer) => writer.get_mut().flush(),
        }
    }

    fn next_file(&mut self) -> io::Result<()> {
        self.flush()?;
        self.number += 1;
        self.octets = 0;
        let name = name_of(&self.path, self.ring, self.number);
        self.current = begin(&name, &self.interfaces)?;
        self.written.push_back(name);
        while self
            .ring
            .files
            .is_some_and(|limit| self.written.len() > limit)
        {
            if let Some(oldest) = self.written.pop_front() {
                std::fs::remove_file(oldest)?;
            }
        }
        Ok(())
    }

    /// The file that is written now.
    #[must_use]
    pub fn file(&self) -> &File {
        match &self.current {
            Current::Classic(writer) => writer.get_ref().get_ref(),
            Current::Ng(writer) => writer.get_ref().get_ref(),
        }
    }

    /// Whether the files that follow can be made where the first one is.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn can_go_on(&self) -> io::Result<()> {
        if self.ring == Ring::default() {
            return Ok(());
        }
        // Made, not asked for: a read-only file system would say yes.
        let folder = self
            .path
            .parent()
            .filter(|path| !path.as_os_str().is_empty());
        tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).map(drop)
    }

    /// Flushes all; hands back how many packets were kept.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn finish(mut self) -> io::Result<u64> {
        self.flush()?;
        Ok(self.packets)
    }
}

fn begin(path: &Path, interfaces: &[(String, LinkType)]) -> io::Result<Current> {
    let out = BufWriter::with_capacity(64 * 1024, File::create(path)?);
    let is_classic = path
        .extension()
        .is_some_and(|extension| extension == "pcap");
    Ok(match interfaces {
        [(_, link_type)] if is_classic => Current::Classic(PcapWriter::new(out, *link_type)?),
        _ => {
            let named: Vec<(&str, LinkType)> = interfaces
                .iter()
                .map(|(name, link_type)| (name.as_str(), *link_type))
                .collect();
            Current::Ng(PcapNgWriter::new(out, &named)?)
        }
    })
}

/// The name of a file in a ring: its number before its extension.
fn name_of(path: &Path, ring: Ring, number: u64) -> PathBuf {
    if ring == Ring::default() {
        return path.to_owned();
    }
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let extension = path.extension().map_or_else(String::new, |extension| {
        format!(".{}", extension.to_string_lossy())
    });
    path.with_file_name(format!("{stem}_{number:05}{extension}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::CapturePoint;

    #[test]
    fn a_ring_keeps_the_last_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("day.pcap");
        let ring = Ring {
            file_octets: Some(1000),
            files: Some(3),
        };
        let interfaces = vec![("if0".to_owned(), LinkType(1))];
        let mut keeper = Keeper::new(&path, interfaces, ring).expect("a file");
        for number in 1..=100 {
            let packet = Packet {
                number,
                timestamp: Timestamp::from_nanos(u64::from(number)),
                file: 0,
                capture_point: CapturePoint(0),
                link_type: LinkType(1),
                original_length: 68,
                data: &[7; 68],
            };
            keeper.packet(&packet).expect("written");
        }
        assert_eq!(keeper.finish().expect("written"), 100);
        let mut names: Vec<String> = std::fs::read_dir(folder.path())
            .expect("a folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["day_00008.pcap", "day_00009.pcap", "day_00010.pcap"]
        );
    }
}
