//! Messages of sessions: the same are found however the stream comes in parts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::msrp::{MsrpFramed, MsrpFramer, session_of};

/// Until the framer is lost, with what waits at most.
fn framed(stream: &[u8], size: usize) -> Vec<MsrpFramed> {
    let mut framer = MsrpFramer::default();
    let mut found = Vec::new();
    for part in stream.chunks(size) {
        framer.push(part);
        while let Some(framed) = framer.poll() {
            let is_lost = framed == MsrpFramed::Lost;
            found.push(framed);
            if is_lost {
                return found;
            }
        }
        assert!(framer.pending() <= 8192 + 128 + part.len());
    }
    found
}

fuzz_target!(|octets: &[u8]| {
    let Some((size, stream)) = octets.split_first() else {
        return;
    };
    let whole = framed(stream, stream.len().max(1));
    let parts = framed(stream, usize::from(*size).max(1));
    // A head that is too long is seen so earlier or later.
    let messages = |found: &[MsrpFramed]| {
        let chunks = found.iter().filter(|own| **own != MsrpFramed::Lost);
        chunks.cloned().collect::<Vec<_>>()
    };
    assert_eq!(messages(&whole), messages(&parts));
    for framed in whole {
        if let MsrpFramed::Chunk(chunk) = framed {
            assert!(chunk.octets <= stream.len() as u64);
            let _ = (session_of(&chunk.to), session_of(&chunk.from));
        }
    }
});
