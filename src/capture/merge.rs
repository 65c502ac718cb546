//! Several captures as one, in the order of time.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::file::{CaptureFile, OpenError, ReadError};
use crate::inspector::PointInfo;
use crate::packet::{CapturePoint, LinkType, Packet};
use crate::pcap::Secrets;

/// An input that could not be opened.
pub(super) type Unopened = (PathBuf, OpenError);

/// Something the user should hear of an input.
#[derive(Debug)]
pub enum Notice {
    /// A file gave no more packets before its end.
    Damaged {
        /// The file.
        file: String,
        /// Where and why.
        error: ReadError,
    },
    /// A file in a folder is no capture.
    Skipped {
        /// The file.
        path: PathBuf,
        /// Why.
        error: OpenError,
    },
}

/// What the inputs give next.
#[derive(Debug)]
pub enum Step<'a> {
    /// A capture point, whose first packet follows. They are numbered in the
    /// order in which they come.
    Point(PointInfo),
    /// A packet.
    Packet(Packet<'a>),
    /// Secrets that a file holds, for what follows.
    Secrets(Secrets),
    /// A damaged input.
    Notice(Notice),
}

/// Who takes what the inputs give.
pub trait PacketSource {
    /// A new capture point; they are numbered in the order in which they come.
    fn point(&mut self, point: PointInfo);
    /// Secrets that a file holds, for what follows.
    fn secrets(&mut self, _secrets: &Secrets) {}
    /// A packet. Answers whether more are wanted.
    fn packet(&mut self, packet: &Packet<'_>) -> bool;
    /// A damaged input.
    fn notice(&mut self, notice: &Notice);
    /// Octets of the inputs read so far.
    fn progress(&mut self, octets: u64);
}

/// The inputs of a run.
#[derive(Debug)]
pub struct Inputs {
    files: Vec<CaptureFile>,
    notices: VecDeque<Notice>,
    /// The number of each interface of each file, once a packet came from it.
    points: Vec<Vec<Option<CapturePoint>>>,
    next_point: u16,
    /// How many secrets of each file were handed out.
    secrets: Vec<usize>,
    /// The file whose packet was handed out last.
    shown: Option<usize>,
}

/// Packets between two reports of progress.
const PROGRESS_EVERY: u32 = 8192;

impl Inputs {
    /// Opens every path; a folder stands for the captures in it.
    ///
    /// # Errors
    ///
    /// The first path that can't be opened or is no capture. In a folder,
    /// files that are no captures are passed over with a notice.
    pub fn open(paths: &[PathBuf], max_decompressed: u64) -> Result<Self, Unopened> {
        Self::open_as(paths, max_decompressed, None)
    }

    /// The same of files that somebody still writes: their ends are waited for, until
    /// `enough` is set.
    ///
    /// # Errors
    ///
    /// The first path that can't be opened or is no capture.
    pub fn open_as(
        paths: &[PathBuf],
        max_decompressed: u64,
        enough: Option<&Arc<AtomicBool>>,
    ) -> Result<Self, Unopened> {
        let mut inputs = Self {
            files: Vec::new(),
            notices: VecDeque::new(),
            points: Vec::new(),
            next_point: 0,
            secrets: Vec::new(),
            shown: None,
        };
        for path in paths {
            if path.is_dir() {
                inputs.open_folder(path, max_decompressed)?;
            } else {
                match CaptureFile::open_as(path, max_decompressed, enough) {
                    Ok(file) => inputs.files.push(file),
                    Err(error) => return Err((path.clone(), error)),
                }
            }
        }
        for file in &mut inputs.files {
            inputs.points.push(Vec::new());
            inputs.secrets.push(0);
            if let Some(error) = file.take_damage() {
                let file = file.name().to_owned();
                inputs.notices.push_back(Notice::Damaged { file, error });
            }
        }
        Ok(inputs)
    }

    fn open_folder(&mut self, folder: &Path, max_decompressed: u64) -> Result<(), Unopened> {
        let unopened = |error: std::io::Error| (folder.to_owned(), OpenError::from(error));
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unopened)? {
            let path = entry.map_err(unopened)?.path();
            if path.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        let before = self.files.len();
        for path in paths {
            match CaptureFile::open(&path, max_decompressed) {
                Ok(file) => self.files.push(file),
                Err(error) => self.notices.push_back(Notice::Skipped { path, error }),
            }
        }
        if self.files.len() == before {
            let error = std::io::Error::other("the folder holds no capture");
            return Err(unopened(error));
        }
        Ok(())
    }

    /// The names of the files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(CaptureFile::name)
    }

    /// The octets of all files together, where all are known.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.files.iter().map(|file| file.progress().1).sum()
    }

    /// The link types of the interfaces known so far, to compile a filter for.
    #[must_use]
    pub fn link_types(&self) -> Vec<LinkType> {
        let mut types: Vec<LinkType> = self
            .files
            .iter()
            .flat_map(CaptureFile::interfaces)
            .map(|interface| interface.link_type)
            .collect();
        types.sort_unstable();
        types.dedup();
        types
    }

    /// Reads all packets into `into`, until it wants no more.
    pub fn read(&mut self, into: &mut impl PacketSource) {
        let mut since_progress = 0;
        while let Some(step) = self.step() {
            let more = match step {
                Step::Packet(packet) => into.packet(&packet),
                Step::Point(point) => {
                    into.point(point);
                    true
                }
                Step::Secrets(secrets) => {
                    into.secrets(&secrets);
                    true
                }
                Step::Notice(notice) => {
                    into.notice(&notice);
                    true
                }
            };
            if !more {
                return;
            }
            since_progress += 1;
            if since_progress >= PROGRESS_EVERY {
                since_progress = 0;
                into.progress(self.consumed());
            }
        }
    }

    /// What comes next: the earliest packet, or what must be known before it.
    /// Within a file their order is kept, whatever their stamps.
    #[inline]
    pub fn step(&mut self) -> Option<Step<'_>> {
        if let Some(notice) = self.notices.pop_front() {
            return Some(Step::Notice(notice));
        }
        if let Some(shown) = self.shown.take()
            && let Some(file) = self.files.get_mut(shown)
            && let Err(error) = file.advance()
        {
            let file = file.name().to_owned();
            return Some(Step::Notice(Notice::Damaged { file, error }));
        }
        let number = self.earliest()?;
        let (file, points) = (self.files.get(number)?, self.points.get_mut(number)?);
        let current = file.peek()?;
        if let Some(told) = self.secrets.get_mut(number)
            && let Some(secrets) = file.secrets().get(*told)
        {
            *told += 1;
            return Some(Step::Secrets(secrets.clone()));
        }
        let Some(capture_point) = points.get(current.interface).copied().flatten() else {
            if points.len() <= current.interface {
                points.resize(current.interface + 1, None);
            }
            if let Some(place) = points.get_mut(current.interface) {
                *place = Some(CapturePoint(self.next_point));
            }
            self.next_point = self.next_point.saturating_add(1);
            return Some(Step::Point(file.point(current.interface)));
        };
        self.shown = Some(number);
        Some(Step::Packet(Packet {
            number: current.number,
            timestamp: current.timestamp,
            capture_point,
            link_type: file.link_type(current.interface),
            original_length: current.original_length,
            data: file.data(),
        }))
    }

    /// Octets of the inputs read so far.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.files.iter().map(|file| file.progress().0).sum()
    }

    /// Packets that the capturing systems dropped, where the files say so;
    /// known at their end.
    pub fn dropped(&self) -> impl Iterator<Item = (CapturePoint, u64)> {
        let files = self.files.iter().zip(&self.points);
        files.flat_map(|(file, points)| {
            let interfaces = file.interfaces().iter().zip(points);
            interfaces.filter_map(|(interface, point)| Some(((*point)?, interface.dropped?)))
        })
    }

    /// The file whose next packet is the earliest.
    #[inline]
    fn earliest(&self) -> Option<usize> {
        if let [file] = self.files.as_slice() {
            return file.peek().map(|_| 0);
        }
        self.files
            .iter()
            .enumerate()
            .filter_map(|(number, file)| Some((file.peek()?.timestamp, number)))
            .min()
            .map(|(_, number)| number)
    }
}
