//! Fax in datagrams: whatever comes, parts lie within the datagram, and what a call makes of
//! datagrams in any order adds up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::engine::fax::Sequence;
use sip_inspect::t38::{Ifp, T30Frame, UdptlPacket};

fuzz_target!(|octets: &[u8]| {
    let mut sequence: Option<Sequence> = None;
    // Each datagram behind an octet with its length.
    let mut rest = octets;
    while let Some((length, more)) = rest.split_first() {
        let (datagram, after) = more.split_at(usize::from(*length).min(more.len()));
        rest = after;
        let Some(packet) = UdptlPacket::parse(datagram) else {
            continue;
        };
        assert!(packet.primary.len() < datagram.len());
        for version in 0..2 {
            if let Some(Ifp::Data { fields, .. }) = Ifp::parse(packet.primary, version) {
                for (_, field) in fields {
                    assert!(field.len() < packet.primary.len());
                    let _ = T30Frame::parse(field);
                }
            }
        }
        let sequence = sequence.get_or_insert_with(|| Sequence::new(packet.sequence_number));
        sequence.packet(&packet);
        assert!(sequence.received <= sequence.expected());
        assert!(sequence.recovered <= sequence.lost());
    }
});
