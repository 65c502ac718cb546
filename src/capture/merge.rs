//! Several captures as one, in the order of time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::file::{CaptureFile, OpenError, ReadError};
use crate::inspector::PointInfo;
use crate::packet::{CapturePoint, LinkType, Packet};
use crate::pcap::Secrets;
use crate::time::Timestamp;

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
    /// Which file each capture point is of by now.
    owners: Vec<Owner>,
    /// How many secrets of each file were handed out.
    secrets: Vec<usize>,
    /// The file whose packet was handed out last.
    shown: Option<usize>,
    /// When the next packet of each of several files comes, the earliest first.
    waiting: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

/// Which file a capture point is of by now.
#[derive(Debug)]
struct Owner {
    point: CapturePoint,
    file: usize,
    info: PointInfo,
}

/// What an interface is.
#[derive(Debug)]
enum Placed {
    /// One that was captured at before, in a file that ended.
    Before(CapturePoint),
    /// One that nothing was captured at yet.
    New(PointInfo),
}

/// The capture point that an interface goes on with: captures that are written as several
/// files, one after the other, are one place. It is of a file that has ended.
fn continued(owners: &[Owner], files: &[CaptureFile], own: &PointInfo) -> Option<CapturePoint> {
    let is_over = |owner: &&Owner| {
        files
            .get(owner.file)
            .is_some_and(|file| file.peek().is_none())
    };
    let mut owners = owners.iter().rev().filter(is_over);
    let same = owners.find(|owner| {
        let PointInfo {
            interface,
            link_type,
            digits,
            ..
        } = &owner.info;
        (interface, link_type, digits) == (&own.interface, &own.link_type, &own.digits)
    });
    same.map(|owner| owner.point)
}

/// Files that stay open before their first packet is wanted.
const MAX_OPEN: usize = 16;

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
            owners: Vec::new(),
            secrets: Vec::new(),
            shown: None,
            waiting: BinaryHeap::new(),
        };
        for path in paths {
            if path.is_dir() {
                inputs.open_folder(path, max_decompressed)?;
            } else {
                match CaptureFile::open_as(path, max_decompressed, enough) {
                    Ok(file) => inputs.add(file),
                    Err(error) => return Err((path.clone(), error)),
                }
            }
        }
        let firsts = inputs.files.iter().enumerate();
        inputs.waiting = firsts
            .filter_map(|(number, file)| Some(Reverse((file.peek()?.timestamp, number))))
            .collect();
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

    /// Adds a file; of many only the first are left open until they are read.
    fn add(&mut self, mut file: CaptureFile) {
        if self.files.len() >= MAX_OPEN {
            file.park();
        }
        self.files.push(file);
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
                Ok(file) => self.add(file),
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
        {
            let advanced = file.advance();
            if let Some(next) = file.peek()
                && self.points.len() > 1
            {
                self.waiting.push(Reverse((next.timestamp, shown)));
            }
            if file.peek().is_none() {
                file.release();
            }
            if let Err(error) = advanced {
                let file = file.name().to_owned();
                return Some(Step::Notice(Notice::Damaged { file, error }));
            }
        }
        let number = self.earliest()?;
        let file = self.files.get_mut(number)?;
        if let Err(error) = file.wake() {
            let file = file.name().to_owned();
            self.waiting.pop();
            return Some(Step::Notice(Notice::Damaged { file, error }));
        }
        let current = file.peek()?;
        if let Some(told) = self.secrets.get_mut(number)
            && let Some(secrets) = file.secrets().get(*told)
        {
            *told += 1;
            return Some(Step::Secrets(secrets.clone()));
        }
        let known = self.points.get(number)?.get(current.interface).copied();
        let capture_point = match known.flatten() {
            Some(point) => point,
            None => match self.place(number, current.interface)? {
                Placed::Before(point) => point,
                Placed::New(point) => return Some(Step::Point(point)),
            },
        };
        let file = self.files.get(number)?;
        self.shown = Some(number);
        if self.points.len() > 1 {
            self.waiting.pop();
        }
        Some(Step::Packet(Packet {
            number: current.number,
            timestamp: current.timestamp,
            file: u16::try_from(number).unwrap_or(u16::MAX),
            capture_point,
            link_type: file.link_type(current.interface),
            original_length: current.original_length,
            data: file.data(),
        }))
    }

    /// The capture point of an interface that is met first.
    fn place(&mut self, number: usize, interface: usize) -> Option<Placed> {
        let own = self.files.get(number)?.point(interface);
        let before = continued(&self.owners, &self.files, &own);
        let point = before.unwrap_or(CapturePoint(self.next_point));
        let points = self.points.get_mut(number)?;
        if points.len() <= interface {
            points.resize(interface + 1, None);
        }
        *points.get_mut(interface)? = Some(point);
        self.owners.retain(|owner| owner.point != point);
        self.owners.push(Owner {
            point,
            file: number,
            info: own.clone(),
        });
        Some(match before {
            Some(point) => Placed::Before(point),
            None => {
                self.next_point = self.next_point.saturating_add(1);
                Placed::New(own)
            }
        })
    }

    /// Octets of the inputs read so far.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.files.iter().map(|file| file.progress().0).sum()
    }

    /// Packets that the capturing systems dropped, where the files say so;
    /// known at their end.
    #[must_use]
    pub fn dropped(&self) -> BTreeMap<CapturePoint, u64> {
        let mut dropped = BTreeMap::<CapturePoint, u64>::new();
        for (file, points) in self.files.iter().zip(&self.points) {
            for (interface, point) in file.interfaces().iter().zip(points) {
                if let Some((point, count)) = point.zip(interface.dropped) {
                    let sum = dropped.entry(point).or_default();
                    *sum = sum.saturating_add(count);
                }
            }
        }
        dropped
    }

    /// The file whose next packet is the earliest.
    #[inline]
    fn earliest(&self) -> Option<usize> {
        match self.files.as_slice() {
            [file] => file.peek().map(|_| 0),
            _ => self.waiting.peek().map(|Reverse((_, number))| *number),
        }
    }
}
