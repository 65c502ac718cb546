//! Several captures as one, in the order of time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::chunk::{Chunk, Head};
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
    /// What the packets of the only file have in common, while nothing else comes of it.
    lane: Option<Lane>,
}

/// What packets of one file have in common that were captured at one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    pub capture_point: CapturePoint,
    pub link_type: LinkType,
    pub file: u16,
}

impl Lane {
    /// A packet of it.
    #[inline]
    pub(super) const fn packet<'a>(&self, head: &Head, data: &'a [u8]) -> Packet<'a> {
        Packet {
            number: head.number,
            timestamp: head.timestamp,
            file: self.file,
            capture_point: self.capture_point,
            link_type: self.link_type,
            original_length: head.original_length,
            data,
        }
    }
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
        let mut inputs = Self::nothing();
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
        inputs.begin();
        Ok(inputs)
    }

    const fn nothing() -> Self {
        Self {
            files: Vec::new(),
            notices: VecDeque::new(),
            points: Vec::new(),
            next_point: 0,
            owners: Vec::new(),
            secrets: Vec::new(),
            shown: None,
            waiting: BinaryHeap::new(),
            lane: None,
        }
    }

    /// All files are there.
    fn begin(&mut self) {
        let firsts = self.files.iter().enumerate();
        self.waiting = firsts
            .filter_map(|(number, file)| Some(Reverse((file.peek()?.timestamp, number))))
            .collect();
        for file in &mut self.files {
            self.points.push(Vec::new());
            self.secrets.push(0);
            if let Some(error) = file.take_damage() {
                let file = file.name().to_owned();
                self.notices.push_back(Notice::Damaged { file, error });
            }
        }
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
        let Some(lane) = self.lane else {
            return self.look();
        };
        if !self.files.first_mut()?.follow() {
            return self.look();
        }
        let file = self.files.first()?;
        Some(Step::Packet(lane.packet(&file.peek()?, file.data())))
    }

    /// The same, where something else may come.
    fn look(&mut self) -> Option<Step<'_>> {
        self.lane = None;
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
        let head = file.peek()?;
        if let Some(told) = self.secrets.get_mut(number)
            && let Some(secrets) = file.secrets().get(*told)
        {
            *told += 1;
            return Some(Step::Secrets(secrets.clone()));
        }
        let interface = file.interface();
        let known = self.points.get(number)?.get(interface).copied();
        let capture_point = match known.flatten() {
            Some(point) => point,
            None => match self.place(number, interface)? {
                Placed::Before(point) => point,
                Placed::New(point) => return Some(Step::Point(point)),
            },
        };
        let file = self.files.get(number)?;
        self.shown = Some(number);
        let lane = Lane {
            capture_point,
            link_type: file.link_type(interface),
            file: u16::try_from(number).unwrap_or(u16::MAX),
        };
        if self.points.len() > 1 {
            self.waiting.pop();
        } else {
            self.lane = Some(lane);
        }
        Some(Step::Packet(lane.packet(&head, file.data())))
    }

    /// Hands over packets that follow the last one, as many as were read at once, if
    /// nothing else comes among them; takes an old chunk for those after them. Says what
    /// they have in common, and where in the chunk they begin.
    pub(super) fn hand_over(&mut self, chunk: &mut Chunk) -> Option<(Lane, usize)> {
        let lane = self.lane?;
        let first = self.files.first_mut()?.hand_over(chunk)?;
        Some((lane, first))
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

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::*;
    use crate::pcap::PcapNgWriter;

    /// Gives so many octets at a time, as a pipe may.
    struct Dripping(io::Cursor<Vec<u8>>, usize);

    impl Read for Dripping {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = into.len().min(self.1);
            self.0.read(&mut into[..length])
        }
    }

    /// Two interfaces, secrets between packets, and the end inside a packet.
    fn capture() -> Vec<u8> {
        let ethernet = LinkType(1);
        let interfaces = [("a", ethernet), ("b", ethernet)];
        let mut writer = PcapNgWriter::new(Vec::new(), &interfaces).expect("a vector");
        let mut number = 0;
        for (interface, packets) in [(0, 3), (1, 1), (0, 40), (2, 0), (0, 2), (2, 0), (1, 5)] {
            if interface == 2 {
                writer.secrets(number, b"secret").expect("a vector");
            }
            for _ in 0..packets {
                number += 1;
                let at = Timestamp::from_nanos(u64::from(number));
                let data = vec![0x5a; number as usize];
                let written = writer.packet(interface, at, &data, 0);
                written.expect("a vector");
            }
        }
        let mut octets = writer.finish().expect("a vector");
        octets.truncate(octets.len() - 3);
        octets
    }

    /// What comes of it, in its order.
    fn told(capture: &[u8], at_once: usize, hands_over: bool) -> Vec<String> {
        let input = Box::new(Dripping(io::Cursor::new(capture.to_vec()), at_once));
        let file = CaptureFile::read("x".to_owned(), input, None, u64::MAX);
        let mut inputs = Inputs::nothing();
        inputs.add(file.expect("a capture"));
        inputs.begin();
        let mut told = Vec::new();
        let mut chunk = Chunk::default();
        loop {
            let tell = |packet: &Packet<'_>| {
                let Packet { number, data, .. } = *packet;
                format!("{number} at {}: {data:?}", packet.capture_point.0)
            };
            match inputs.step() {
                Some(Step::Packet(packet)) => told.push(tell(&packet)),
                Some(Step::Point(point)) => told.push(point.interface),
                Some(Step::Secrets(secrets)) => told.push(format!("secrets {}", secrets.kind)),
                Some(Step::Notice(Notice::Damaged { error, .. })) => told.push(error.to_string()),
                Some(Step::Notice(notice)) => told.push(format!("{notice:?}")),
                None => return told,
            }
            if hands_over && let Some((lane, first)) = inputs.hand_over(&mut chunk) {
                let heads = chunk.heads.iter().skip(first);
                told.extend(heads.map(|head| tell(&lane.packet(head, chunk.data(head)))));
            }
        }
    }

    #[test]
    fn all_comes_in_its_order_however_it_is_read() {
        let capture = capture();
        let expected = told(&capture, usize::MAX, false);
        let of = |wanted: &str| expected.iter().position(|own| own == wanted);
        let packet = |number: usize, point: u8| {
            of(&format!("{number} at {point}: {:?}", vec![0x5a_u8; number]))
        };
        assert_eq!(of("a"), Some(0));
        assert_eq!(packet(1, 0), Some(1));
        assert_eq!(of("b"), Some(4));
        assert_eq!((packet(4, 1), packet(5, 0)), (Some(5), Some(6)));
        assert_eq!((packet(44, 0), of("secrets 44")), (Some(45), Some(46)));
        assert_eq!((packet(46, 0), of("secrets 46")), (Some(48), Some(49)));
        assert_eq!(packet(50, 1), Some(53));
        let last = expected.last().map(String::as_str).unwrap_or_default();
        assert!(
            last.starts_with("the file is cut inside packet 51"),
            "{last}"
        );
        assert_eq!(expected.len(), 55);
        for at_once in [1, 7, 64, 1000, usize::MAX] {
            for hands_over in [false, true] {
                let told = told(&capture, at_once, hands_over);
                assert_eq!(told, expected, "{at_once} {hands_over}");
            }
        }
    }

    #[test]
    fn more_packets_than_are_told_apart_at_once_and_a_chunk_too_long_to_hand_over() {
        let interfaces = [("a", LinkType(1))];
        for (packets, secrets) in [(4095, 1), (4096, 1), (4097, 1), (9000, 1), (9000, 1 << 20)] {
            let mut writer = PcapNgWriter::new(Vec::new(), &interfaces).expect("a vector");
            writer.secrets(1, &vec![0; secrets]).expect("a vector");
            for _ in 0..packets {
                let written = writer.packet(0, Timestamp::default(), b"", 0);
                written.expect("a vector");
            }
            let capture = writer.finish().expect("a vector");
            let expected = ["secrets 1".to_owned(), "a".to_owned()];
            let numbers = (1..=packets).map(|number| format!("{number} at 0: []"));
            let expected: Vec<String> = expected.into_iter().chain(numbers).collect();
            for hands_over in [false, true] {
                let told = told(&capture, usize::MAX, hands_over);
                assert!(told == expected, "{packets} {secrets} {hands_over}");
            }
        }
    }
}
