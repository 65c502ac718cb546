//! Sections of a document, kept until their turn: in memory while short, in a
//! file without a name when long.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Octets of one section that stay in memory.
const IN_MEMORY: usize = 4 * 1024 * 1024;
/// Octets that are read back at once, and how many such parts are at hand: what ends at
/// about one time stands within so many megabytes.
const PART: usize = 16 * 1024;
const PARTS: usize = 512;

/// One section: entries with a place, written in the order of their places.
#[derive(Debug, Default)]
pub(super) struct Spool {
    memory: Vec<u8>,
    file: Option<File>,
    /// Place, where it begins, how long it is.
    entries: Vec<(u64, u64, u32)>,
    length: u64,
}

impl Spool {
    pub(super) fn push(&mut self, place: u64, entry: &[u8]) -> io::Result<()> {
        let length = u32::try_from(entry.len())
            .map_err(|_| io::Error::other("a record is longer than 4 GiB"))?;
        self.entries.push((place, self.length, length));
        self.length += u64::from(length);
        self.memory.extend_from_slice(entry);
        if self.memory.len() > IN_MEMORY {
            if self.file.is_none() {
                self.file = Some(tempfile::tempfile()?);
            }
            if let Some(file) = &mut self.file {
                file.write_all(&self.memory)?;
                self.memory.clear();
            }
        }
        Ok(())
    }

    /// Writes all entries by place, with a separator between them.
    pub(super) fn write(&mut self, out: &mut impl Write, separator: &[u8]) -> io::Result<()> {
        self.entries.sort_unstable();
        if let Some(file) = &mut self.file {
            file.write_all(&self.memory)?;
            self.memory.clear();
        }
        let mut parts = Parts {
            parts: vec![Part::default(); PARTS],
            length: self.length,
        };
        for (number, &(_, start, length)) in self.entries.iter().enumerate() {
            if number > 0 {
                out.write_all(separator)?;
            }
            match &mut self.file {
                Some(file) => parts.copy(file, start, u64::from(length), out)?,
                None => {
                    let start = usize::try_from(start).unwrap_or(usize::MAX);
                    let end = start.saturating_add(length as usize);
                    out.write_all(self.memory.get(start..end).unwrap_or_default())?;
                }
            }
        }
        Ok(())
    }
}

/// Parts of a file that were read back. Entries are wanted in nearly the order in which
/// they stand there: a part serves many of them, though not one after the other.
#[derive(Debug)]
struct Parts {
    parts: Vec<Part>,
    /// Octets of the whole file.
    length: u64,
}

/// A part, by its number in the file; empty before it is read.
#[derive(Clone, Debug, Default)]
struct Part {
    number: u64,
    octets: Vec<u8>,
}

impl Parts {
    /// Copies `length` octets of the file from `start` on.
    fn copy(
        &mut self,
        file: &mut File,
        mut start: u64,
        length: u64,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let end = start + length;
        while start < end {
            let part = self.part(file, start / PART as u64)?;
            let from = usize::try_from(start % PART as u64).unwrap_or(usize::MAX);
            let wanted = usize::try_from(end - start).unwrap_or(usize::MAX);
            let octets = part.get(from..).unwrap_or_default();
            let octets = octets.get(..wanted).unwrap_or(octets);
            if octets.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            out.write_all(octets)?;
            start += octets.len() as u64;
        }
        Ok(())
    }

    /// A part of the file, read if it is not at hand.
    fn part(&mut self, file: &mut File, number: u64) -> io::Result<&[u8]> {
        let place = usize::try_from(number % PARTS as u64).unwrap_or_default();
        let Some(part) = self.parts.get_mut(place) else {
            return Ok(&[]);
        };
        if part.octets.is_empty() || part.number != number {
            let start = number * PART as u64;
            let left = usize::try_from(self.length.saturating_sub(start)).unwrap_or(usize::MAX);
            part.number = number;
            part.octets.resize(left.min(PART), 0);
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut part.octets)?;
        }
        Ok(&part.octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(entry: usize, count: u64) -> Vec<u8> {
        let mut spool = Spool::default();
        for place in (0..count).rev() {
            let mut text = place.to_string().into_bytes();
            text.resize(entry, b'.');
            spool.push(place, &text).expect("room");
        }
        let mut out = Vec::new();
        spool.write(&mut out, b",").expect("a vector takes all");
        assert_eq!(
            spool.file.is_some(),
            entry as u64 * count > IN_MEMORY as u64
        );
        out
    }

    #[test]
    fn what_stands_across_the_ends_of_parts_is_whole() {
        let check = |entry: usize, count: u64| {
            let out = written(entry, count);
            let mut entries = out.chunks(entry + 1).zip(0_u64..);
            let is_whole = entries.all(|(octets, place)| {
                let text = place.to_string();
                let rest = octets.strip_prefix(text.as_bytes()).unwrap_or_default();
                let rest = rest.strip_suffix(b",").unwrap_or(rest);
                rest.len() + text.len() == entry && rest.iter().all(|octet| *octet == b'.')
            });
            assert!(is_whole, "{entry} {count}");
            assert_eq!(out.len() as u64, (entry as u64 + 1) * count - 1);
        };
        for entry in [PART - 1, PART, PART + 1, 3 * PART - 7] {
            check(entry, 600);
        }
        check(PART * PARTS + 1, 2);
    }

    #[test]
    fn entries_come_in_the_order_of_their_places() {
        assert_eq!(written(2, 3), b"0.,1.,2.");
        assert_eq!(written(2, 0), b"");
        let long = written(1024 * 1024, 20);
        let heads: Vec<u8> = long
            .chunks(1024 * 1024 + 1)
            .map(|entry| entry[0])
            .take(10)
            .collect();
        assert_eq!(heads, b"0123456789");
    }
}
