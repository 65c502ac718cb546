//! Messages of sessions as records.

use super::scribe::Scribe;
use crate::engine::call::Call;
use crate::engine::msrp::MsrpSide;
use crate::report::{MsrpRecord, MsrpSideRecord};

impl Scribe {
    /// The messages of a medium, where most of them were seen.
    pub(super) fn msrp(&self, call: &Call, index: usize) -> Option<Box<MsrpRecord>> {
        let own = (call.msrp.iter())
            .filter(|own| usize::from(own.media) == index)
            .max_by_key(|own| (own.chunks(), std::cmp::Reverse(own.first.capture_point)))?;
        let point = own.first.capture_point;
        let [caller, callee] = own.sides.each_ref().map(side);
        Some(Box::new(MsrpRecord {
            started: self.stamp(point, own.first.timestamp),
            ended: self.stamp(point, own.last),
            capture_point: self.place_of(point),
            content_types: own.content_types.to_vec(),
            caller,
            callee,
        }))
    }
}

fn side(own: &MsrpSide) -> MsrpSideRecord {
    MsrpSideRecord {
        messages: own.messages,
        chunks: own.chunks,
        bytes: own.octets,
        aborted: own.aborted,
        reports: own.reports,
        refused: own.refused.iter().copied().collect(),
    }
}
