//! Frames of any link type, tunnels in tunnels: what is found lies within them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::link::{self, Content};
use sip_inspect::packet::{CapturePoint, LinkType, Packet};
use sip_inspect::time::Timestamp;

const LINK_TYPES: [u32; 12] = [0, 1, 9, 51, 101, 104, 108, 113, 219, 228, 239, 276];

fuzz_target!(|octets: &[u8]| {
    let Some((kind, data)) = octets.split_first() else {
        return;
    };
    let decoded = link::decode(&Packet {
        number: 1,
        timestamp: Timestamp::default(),
        file: 0,
        capture_point: CapturePoint(0),
        link_type: LinkType(LINK_TYPES[usize::from(*kind) % LINK_TYPES.len()]),
        original_length: 0,
        data,
    });
    let inside = match decoded.content {
        Content::Datagram(own) => own.payload.len(),
        Content::Segment(own) => own.payload.len(),
        Content::Fragment(own) => own.data.len(),
        Content::IcmpError(own) => own.payload.len(),
        Content::Ignored(_) => 0,
    };
    assert!(inside <= data.len());
});
