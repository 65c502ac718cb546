//! Captures read whole, for verbs that look at many records at once.

use super::notices;
use crate::capture::{CaptureFile, Inputs, Notice, PacketSource};
use crate::inspector::{Config, Inspector, PointInfo};
use crate::packet::{CapturePoint, LinkType, Packet};
use crate::report::Record;

/// Takes the records.
pub(super) trait Gatherer {
    /// One record.
    fn record(&mut self, record: Record);
}

/// Reads all inputs into `into`.
pub(super) fn gather<G: Gatherer>(inputs: Inputs, config: Config, into: G) -> G {
    let mut gathering = Gathering {
        inspector: Inspector::new(config),
        into,
    };
    inputs.read(&mut gathering);
    gathering.inspector.finish();
    gathering.drain();
    gathering.into
}

/// How records name an interface of a file.
pub(super) fn point_info(file: &CaptureFile, number: usize) -> PointInfo {
    let interface = file.interfaces().get(number);
    let name = interface.and_then(|interface| interface.name.clone());
    PointInfo {
        file: file.name().to_owned(),
        interface: name.unwrap_or_else(|| format!("if{number}")),
        link_type: interface.map_or(LinkType(u32::MAX), |interface| interface.link_type),
        digits: interface.map_or(9, |interface| interface.digits),
        dropped: None,
    }
}

struct Gathering<G> {
    inspector: Inspector,
    into: G,
}

impl<G: Gatherer> Gathering<G> {
    fn drain(&mut self) {
        while let Some(record) = self.inspector.poll_record() {
            self.into.record(record);
        }
    }
}

impl<G: Gatherer> PacketSource for Gathering<G> {
    fn point(&mut self, file: &CaptureFile, number: usize) -> CapturePoint {
        self.inspector.add_point(point_info(file, number))
    }

    fn packet(&mut self, packet: &Packet<'_>) -> bool {
        self.inspector.handle(packet);
        self.drain();
        true
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Damaged { file, error } => notices::warning(&format!("{file}: {error}")),
            Notice::Skipped { path, error } => {
                notices::warning(&format!("{}: passed over: {error}", path.display()));
            }
        }
    }

    fn progress(&mut self, _octets: u64) {}
}
