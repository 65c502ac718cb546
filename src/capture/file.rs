//! One capture file, packet by packet, in memory that does not grow.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::chunk::{Chunk, Head};
use super::log;
use super::read::{Bomb, Growing, Input, decompressed};
use crate::inspector::PointInfo;
use crate::packet::LinkType;
use crate::pcap::{CaptureError, Decoder, Interface, Secrets, Step};

/// Octets asked of the file at once: they and what follows them stay in the cache.
const CHUNK: usize = 256 * 1024;
/// The longest chunk that is handed over; one with the longest packet is.
const LONGEST: usize = 3 * CHUNK;
/// Packets that are told apart at once.
const MAX_HEADS: usize = 4096;
/// Octets in which a capture must show itself.
const MAX_PENDING: usize = 65 * 1024 * 1024;

/// Why a file gives no packets at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It can't be opened or read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It ends before its first packet could begin.
    #[error("the file ends after {0} octets, inside its header")]
    CutHeader(u64),
    /// It is something else.
    #[error("{0}")]
    NotACapture(#[from] CaptureError),
}

/// Why a file gives no more packets.
#[derive(Debug)]
pub struct ReadError {
    /// The octet of the (decompressed) capture where it stopped.
    pub offset: u64,
    /// Packets before it.
    pub packets: u32,
    /// What is wrong there.
    pub damage: Damage,
}

/// What is wrong with a capture.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It ends inside a record.
    #[error("the file is cut inside packet {0}")]
    Cut(u32),
    /// A record can't be read.
    #[error("{0}")]
    Malformed(#[from] CaptureError),
    /// It gives more than any capture can.
    #[error("{0}")]
    Bomb(Bomb),
    /// The system can't read it.
    #[error("{0}")]
    Io(io::Error),
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            offset,
            packets,
            damage,
        } = self;
        write!(
            f,
            "{damage} (offset {offset}); the {packets} packets before it are kept"
        )
    }
}

/// One capture.
pub struct CaptureFile {
    name: String,
    input: Input,
    /// Octets of the file itself that were read, for a progress bar.
    consumed: Arc<AtomicU64>,
    size: Option<u64>,
    decoder: Decoder,
    /// What was read, and the packets that were told apart in it.
    chunk: Chunk,
    /// Which of them is next.
    next: usize,
    /// Where what was read and not told apart begins in the chunk, and where it ends.
    start: usize,
    end: usize,
    /// The secrets that came before the packets of the chunk.
    secrets: usize,
    offset: u64,
    number: u32,
    ended: bool,
    /// Whether its end is where its writer was last seen, even inside a record.
    is_growing: bool,
    /// What is wrong before the first packet, until it is told.
    damage: Option<ReadError>,
    /// Where it can be opened again, and what it may hold then.
    again: Option<(PathBuf, u64)>,
    is_parked: bool,
}

impl std::fmt::Debug for CaptureFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaptureFile")
            .field("name", &self.name)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl CaptureFile {
    /// Opens a file, or standard input for `-`, and reads up to its first
    /// packet.
    ///
    /// # Errors
    ///
    /// When it can't be opened or is no capture.
    pub fn open(path: &Path, max_decompressed: u64) -> Result<Self, OpenError> {
        Self::open_as(path, max_decompressed, None)
    }

    /// The same of a file that somebody still writes: its end is waited for, until
    /// `enough` is set.
    ///
    /// # Errors
    ///
    /// When it can't be opened or is no capture.
    pub fn open_as(
        path: &Path,
        max_decompressed: u64,
        enough: Option<&Arc<AtomicBool>>,
    ) -> Result<Self, OpenError> {
        let (input, size): (Input, _) = if let Some(enough) = enough {
            let growing = Growing {
                inner: File::open(path)?,
                enough: Arc::clone(enough),
            };
            (Box::new(growing), None)
        } else if path == Path::new("-") {
            (Box::new(io::stdin()), None)
        } else {
            let file = File::open(path)?;
            let size = file.metadata().ok().filter(std::fs::Metadata::is_file);
            (Box::new(file), size.map(|metadata| metadata.len()))
        };
        let name = display_name(path);
        let file = match enough {
            Some(_) => Self::read_as(name, input, size, max_decompressed, false),
            None => Self::read(name, input, size, max_decompressed),
        };
        let mut file = file?;
        file.is_growing = enough.is_some();
        // A file on disk has a size; what is a pipe is read once.
        let is_kept = size.is_some() && enough.is_none();
        file.again = is_kept.then(|| (path.to_owned(), max_decompressed));
        Ok(file)
    }

    /// The same from anything that gives octets.
    ///
    /// # Errors
    ///
    /// When it can't be read or is no capture.
    pub fn read(
        name: String,
        input: Input,
        size: Option<u64>,
        max_decompressed: u64,
    ) -> Result<Self, OpenError> {
        Self::read_as(name, input, size, max_decompressed, true)
    }

    /// The same, and whether it may be a log: telling that takes more of it than a file
    /// that grows may have.
    fn read_as(
        name: String,
        input: Input,
        size: Option<u64>,
        max_decompressed: u64,
        may_be_log: bool,
    ) -> Result<Self, OpenError> {
        let consumed = Arc::new(AtomicU64::new(0));
        let input = decompressed(input, &consumed, max_decompressed)?;
        let input = match may_be_log {
            true => log::or_itself(input)?,
            false => input,
        };
        let mut file = Self {
            name,
            input,
            consumed,
            size,
            decoder: Decoder::new(),
            chunk: Chunk::default(),
            next: 0,
            start: 0,
            end: 0,
            secrets: 0,
            offset: 0,
            number: 0,
            ended: false,
            is_growing: false,
            damage: None,
            again: None,
            is_parked: false,
        };
        file.fill(4)?;
        if file.end == 0 {
            return Err(OpenError::Empty);
        }
        if file.end < 4 {
            // Too short to tell; what there is begins like no capture.
            return Err(OpenError::CutHeader(file.end as u64));
        }
        match file.look_ahead() {
            Ok(()) => {}
            // A capture without a whole packet is still one.
            Err(error) if !file.decoder.interfaces().is_empty() => file.damage = Some(error),
            Err(ReadError {
                damage: Damage::Malformed(error),
                ..
            }) => return Err(error.into()),
            Err(ReadError {
                damage: Damage::Io(error),
                ..
            }) => return Err(error.into()),
            Err(ReadError {
                damage: Damage::Bomb(bomb),
                ..
            }) => return Err(OpenError::Io(io::Error::other(bomb))),
            Err(error) => return Err(OpenError::CutHeader(error.offset)),
        }
        if file.peek().is_none() && file.decoder.interfaces().is_empty() && file.offset < 24 {
            return Err(OpenError::CutHeader(file.offset));
        }
        Ok(file)
    }

    /// Gives back what reading takes, until its first packet is wanted: a folder may hold
    /// thousands of files, which follow one another.
    pub(super) fn park(&mut self) {
        if self.again.is_some() && self.next == 0 && !self.is_parked {
            self.is_parked = true;
            self.release();
            self.chunk.heads.truncate(1);
            self.chunk.heads.shrink_to_fit();
            // None of its packets was handed out.
            self.number = 0;
        }
    }

    /// Reads up to its first packet again, if it was parked.
    ///
    /// # Errors
    ///
    /// When it can't be opened any more; no packet follows then.
    #[inline]
    pub(super) fn wake(&mut self) -> Result<(), ReadError> {
        match self.is_parked {
            true => self.reopen(),
            false => Ok(()),
        }
    }

    fn reopen(&mut self) -> Result<(), ReadError> {
        self.is_parked = false;
        let Some((path, max)) = self.again.clone() else {
            return Ok(());
        };
        match Self::open(&path, max) {
            Ok(file) => {
                let name = std::mem::take(&mut self.name);
                *self = Self { name, ..file };
                Ok(())
            }
            Err(error) => {
                self.chunk.heads.clear();
                Err(self.stop(Damage::Io(io::Error::other(error))))
            }
        }
    }

    /// Gives back what reading takes; it is over, or begins anew.
    pub(super) fn release(&mut self) {
        self.input = Box::new(io::empty());
        self.chunk.octets = Vec::new();
        (self.start, self.end) = (0, 0);
    }

    /// What records call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The interfaces met so far.
    #[must_use]
    pub fn interfaces(&self) -> &[Interface] {
        self.decoder.interfaces()
    }

    /// How records name an interface.
    #[must_use]
    pub fn point(&self, number: usize) -> PointInfo {
        let interface = self.interfaces().get(number);
        let name = interface.and_then(|interface| interface.name.clone());
        PointInfo {
            file: self.name.clone(),
            interface: name.unwrap_or_else(|| format!("if{number}")),
            link_type: interface.map_or(LinkType(u32::MAX), |interface| interface.link_type),
            digits: interface.map_or(9, |interface| interface.digits),
            dropped: None,
        }
    }

    /// Octets of the file that were read, and how many it has.
    #[must_use]
    pub fn progress(&self) -> (u64, Option<u64>) {
        (self.consumed.load(Ordering::Relaxed), self.size)
    }

    /// The next packet, without moving on.
    #[inline]
    pub(super) fn peek(&self) -> Option<Head> {
        self.chunk.heads.get(self.next).copied()
    }

    /// Moves on to the next packet, if it was told apart with the one before: then it is
    /// of the same interface, and nothing lies between them. Says whether it did.
    #[inline]
    pub(super) fn follow(&mut self) -> bool {
        let is_there = self.next + 1 < self.chunk.heads.len();
        self.next += usize::from(is_there);
        is_there
    }

    /// Hands over the packets after the next one that were told apart with it, and takes
    /// an old chunk for what follows. Says where in the chunk they begin.
    pub(super) fn hand_over(&mut self, chunk: &mut Chunk) -> Option<usize> {
        let first = self.next + 1;
        // A block of the longest is not to be held as often as there are chunks.
        if self.chunk.heads.len() <= first || self.chunk.octets.len() > LONGEST {
            return None;
        }
        std::mem::swap(&mut self.chunk, chunk);
        self.chunk.heads.clear();
        // What was not told apart goes on with what will be read.
        let rest = chunk.octets.get(self.start..self.end).unwrap_or_default();
        if self.chunk.octets.len() < rest.len() {
            self.chunk.octets.resize(rest.len(), 0);
        }
        if let Some(start) = self.chunk.octets.get_mut(..rest.len()) {
            start.copy_from_slice(rest);
        }
        (self.next, self.start, self.end) = (0, 0, rest.len());
        Some(first)
    }

    /// What is wrong before the first packet.
    pub(super) const fn take_damage(&mut self) -> Option<ReadError> {
        self.damage.take()
    }

    /// The octets of the packet that [`Self::peek`] shows.
    #[inline]
    pub(super) fn data(&self) -> &[u8] {
        let head = self.chunk.heads.get(self.next);
        head.map(|head| self.chunk.data(head)).unwrap_or_default()
    }

    /// The interface of the packet that [`Self::peek`] shows.
    pub(super) const fn interface(&self) -> usize {
        self.chunk.interface
    }

    /// The link type of an interface.
    pub(super) fn link_type(&self, interface: usize) -> LinkType {
        self.decoder
            .interfaces()
            .get(interface)
            .map_or(LinkType(u32::MAX), |interface| interface.link_type)
    }

    /// Secrets met before the next packet.
    pub(super) fn secrets(&self) -> &[Secrets] {
        let all = self.decoder.secrets();
        all.get(..self.secrets).unwrap_or_default()
    }

    /// Moves on to the next packet.
    ///
    /// # Errors
    ///
    /// When the file is damaged; no packet follows then.
    #[inline]
    pub(super) fn advance(&mut self) -> Result<(), ReadError> {
        self.next += 1;
        if self.next < self.chunk.heads.len() {
            return Ok(());
        }
        self.look_ahead()
    }

    /// Tells apart the packets that were read, as many as follow one another at one
    /// interface; reads on if there are none.
    fn look_ahead(&mut self) -> Result<(), ReadError> {
        self.chunk.heads.clear();
        self.next = 0;
        if self.ended {
            return Ok(());
        }
        while self.chunk.heads.len() < MAX_HEADS {
            let rest = self.chunk.octets.get(self.start..self.end);
            let rest = rest.unwrap_or_default();
            let is_first = self.chunk.heads.is_empty();
            match self.decoder.step(rest) {
                Ok(Step::Packet {
                    consumed,
                    interface,
                    timestamp,
                    original_length,
                    data,
                }) => {
                    // Where the data lies in the buffer, as offsets: the
                    // borrow must end before the next step.
                    let lead = data.as_ptr().addr() - rest.as_ptr().addr();
                    let start = self.start + lead;
                    let end = start + data.len();
                    if is_first {
                        self.chunk.interface = interface;
                        self.secrets = self.decoder.secrets().len();
                    } else if self.chunk.interface != interface {
                        break;
                    }
                    self.number += 1;
                    self.chunk.heads.push(Head {
                        number: self.number,
                        timestamp,
                        original_length,
                        start,
                        end,
                    });
                    self.start += consumed;
                    self.offset += consumed as u64;
                }
                Ok(Step::Skipped { consumed }) => {
                    self.start += consumed;
                    self.offset += consumed as u64;
                    // It may hold secrets for what follows alone.
                    if !is_first {
                        break;
                    }
                }
                // The packets before the end, or before the damage, are first.
                Ok(Step::NeedMore(_)) | Err(_) if !is_first => break,
                Ok(Step::NeedMore(wanted)) => {
                    let have = self.end - self.start;
                    let filled = self.fill(wanted.max(have + 1));
                    if let Err(error) = filled {
                        return Err(self.stop(damage_of(error)));
                    }
                    if self.end - self.start == have {
                        self.ended = true;
                        if have == 0 || self.is_growing {
                            return Ok(());
                        }
                        return Err(self.stop(Damage::Cut(self.number + 1)));
                    }
                }
                Err(error) => return Err(self.stop(error.into())),
            }
        }
        Ok(())
    }

    fn stop(&mut self, damage: Damage) -> ReadError {
        self.ended = true;
        ReadError {
            offset: self.offset,
            packets: self.number,
            damage,
        }
    }

    /// Reads until `wanted` octets are there, or the input ends.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        if wanted > MAX_PENDING {
            return Ok(());
        }
        if self.start > 0 {
            self.chunk.octets.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.chunk.octets.len() < wanted.max(CHUNK) {
            // Grown as octets come, not as a length field asks.
            let grown = (self.end + CHUNK).max(CHUNK);
            self.chunk.octets.resize(grown, 0);
        }
        while self.end < wanted {
            if self.end == self.chunk.octets.len() {
                self.chunk.octets.resize(self.end + CHUNK, 0);
            }
            match self
                .input
                .read(self.chunk.octets.get_mut(self.end..).unwrap_or_default())
            {
                Ok(0) => break,
                Ok(length) => self.end += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn damage_of(error: io::Error) -> Damage {
    let bomb = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Bomb>())
        .copied();
    match bomb {
        Some(bomb) => Damage::Bomb(bomb),
        None => Damage::Io(error),
    }
}

/// A path as records show it: its last part, as text.
fn display_name(path: &Path) -> String {
    if path == Path::new("-") {
        return "-".to_owned();
    }
    let name = path.file_name().map(PathBuf::from);
    name.unwrap_or_else(|| path.to_owned())
        .to_string_lossy()
        .into_owned()
}
