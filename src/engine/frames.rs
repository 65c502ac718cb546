//! Which frames an object was seen in, per capture point.

use smallvec::SmallVec;

use super::limits::Limits;
use crate::packet::{CapturePoint, PacketRef};

/// Frame numbers at each capture point and in each file, the first so many of them.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    points: SmallVec<[PointFrames; 1]>,
}

/// Frame numbers at one capture point, in one file.
#[derive(Clone, Debug)]
pub struct PointFrames {
    /// Where.
    pub capture_point: CapturePoint,
    /// In which file.
    pub file: u16,
    /// The first of them, in order.
    pub numbers: Vec<u32>,
    /// All of them, counted.
    pub total: u64,
}

impl Frames {
    /// Adds a frame; its number is kept while there is room for it. Says
    /// whether there was room for its capture point.
    pub fn add(&mut self, at: PacketRef, limits: &Limits) -> bool {
        let known = self
            .points
            .iter_mut()
            .position(|point| (point.capture_point, point.file) == (at.capture_point, at.file));
        let place = match known {
            Some(place) => place,
            None if self.points.len() < limits.places => {
                self.points.push(PointFrames {
                    capture_point: at.capture_point,
                    file: at.file,
                    numbers: Vec::new(),
                    total: 0,
                });
                self.points.len() - 1
            }
            // A capture of many files is one place all the same.
            None => {
                let point = self
                    .points
                    .iter()
                    .position(|own| own.capture_point == at.capture_point);
                let Some(point) = point.and_then(|place| self.points.get_mut(place)) else {
                    return false;
                };
                point.total = point.total.saturating_add(1);
                return true;
            }
        };
        if let Some(point) = self.points.get_mut(place) {
            point.total = point.total.saturating_add(1);
            // A segment may complete several messages: its number stands once.
            if point.numbers.len() < limits.frames && point.numbers.last() != Some(&at.number) {
                point.numbers.push(at.number);
            }
        }
        true
    }

    /// Each capture point with its frames.
    #[must_use]
    pub fn points(&self) -> &[PointFrames] {
        &self.points
    }

    /// The capture points alone, each once, whatever files they are of.
    #[must_use]
    pub fn capture_points(&self) -> SmallVec<[CapturePoint; 2]> {
        let mut points: SmallVec<[CapturePoint; 2]> =
            self.points.iter().map(|own| own.capture_point).collect();
        points.sort_unstable();
        points.dedup();
        points
    }

    /// Octets held, about.
    #[must_use]
    pub fn cost(&self) -> usize {
        self.points
            .iter()
            .map(|point| point.numbers.capacity() * 4 + 40)
            .sum()
    }
}
