//! Sections of a document, kept until their turn: in memory while short, in a
//! file without a name when long.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Octets of one section that stay in memory.
const IN_MEMORY: usize = 4 * 1024 * 1024;
/// Octets that are read back at once.
const PART: u64 = 256 * 1024;

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
        // Most entries stand in the order in which they are wanted: a part of
        // the file serves many of them.
        let (mut part, mut part_start) = (Vec::new(), 0_u64);
        for (number, &(_, start, length)) in self.entries.iter().enumerate() {
            if number > 0 {
                out.write_all(separator)?;
            }
            match &mut self.file {
                Some(file) => {
                    let end = start + u64::from(length);
                    if start < part_start || end > part_start + part.len() as u64 {
                        let wanted = u64::from(length).max(PART).min(self.length - start);
                        part.resize(usize::try_from(wanted).unwrap_or(usize::MAX), 0);
                        file.seek(SeekFrom::Start(start))?;
                        file.read_exact(&mut part)?;
                        part_start = start;
                    }
                    let place = usize::try_from(start - part_start).unwrap_or(usize::MAX);
                    let entry = part.get(place..place.saturating_add(length as usize));
                    out.write_all(entry.unwrap_or_default())?;
                }
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
