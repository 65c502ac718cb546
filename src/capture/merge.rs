//! Several captures as one, in the order of time.

use std::path::{Path, PathBuf};

use super::file::{CaptureFile, OpenError, ReadError};
use crate::packet::{CapturePoint, LinkType, Packet};

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

/// What is learned of a capture point when its first packet comes.
pub trait PacketSource {
    /// A new capture point: its file, its number there, and its interface.
    fn point(&mut self, file: &CaptureFile, interface: usize) -> CapturePoint;
    /// A packet. Answers whether more are wanted.
    fn packet(&mut self, packet: &Packet<'_>) -> bool;
    /// A damaged input.
    fn notice(&mut self, notice: Notice);
    /// Octets of the inputs read so far.
    fn progress(&mut self, octets: u64);
}

/// The inputs of a run.
#[derive(Debug)]
pub struct Inputs {
    files: Vec<CaptureFile>,
    notices: Vec<Notice>,
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
        let mut inputs = Self {
            files: Vec::new(),
            notices: Vec::new(),
        };
        for path in paths {
            if path.is_dir() {
                inputs.open_folder(path, max_decompressed)?;
            } else {
                match CaptureFile::open(path, max_decompressed) {
                    Ok(file) => inputs.files.push(file),
                    Err(error) => return Err((path.clone(), error)),
                }
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
                Err(error) => self.notices.push(Notice::Skipped { path, error }),
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

    /// Reads all packets, the earliest first. Within a file their order is
    /// kept, whatever their stamps.
    ///
    /// Hands back the files, whose interfaces now tell of drops, with the
    /// capture points that were given out.
    pub fn read(
        mut self,
        into: &mut impl PacketSource,
    ) -> Vec<(CaptureFile, Vec<Option<CapturePoint>>)> {
        for notice in self.notices.drain(..) {
            into.notice(notice);
        }
        for file in &mut self.files {
            if let Some(error) = file.take_damage() {
                let file = file.name().to_owned();
                into.notice(Notice::Damaged { file, error });
            }
        }
        let mut points: Vec<Vec<Option<CapturePoint>>> =
            self.files.iter().map(|_| Vec::new()).collect();
        let mut since_progress = 0;
        while let Some(number) = self.earliest() {
            let (Some(file), Some(points)) = (self.files.get_mut(number), points.get_mut(number))
            else {
                break;
            };
            // While one file has the earliest packet, no other is asked.
            let Some(current) = file.peek() else { break };
            if points.len() <= current.interface {
                points.resize(current.interface + 1, None);
            }
            let capture_point = match points.get(current.interface).copied().flatten() {
                Some(point) => point,
                None => {
                    let point = into.point(file, current.interface);
                    if let Some(place) = points.get_mut(current.interface) {
                        *place = Some(point);
                    }
                    point
                }
            };
            let more = into.packet(&Packet {
                number: current.number,
                timestamp: current.timestamp,
                capture_point,
                link_type: file.link_type(current.interface),
                original_length: current.original_length,
                data: file.data(),
            });
            if !more {
                break;
            }
            if let Err(error) = file.advance() {
                let file = file.name().to_owned();
                into.notice(Notice::Damaged { file, error });
            }
            since_progress += 1;
            if since_progress >= PROGRESS_EVERY {
                since_progress = 0;
                into.progress(self.files.iter().map(|file| file.progress().0).sum());
            }
        }
        self.files.into_iter().zip(points).collect()
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
