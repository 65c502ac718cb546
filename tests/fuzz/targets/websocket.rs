//! Frames of a WebSocket: whole and octet by octet give the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::websocket::{self, Opening, WebFramed, WebFramer};

fn framed(octets: &[u8], size: usize) -> Vec<WebFramed> {
    let mut framer = WebFramer::default();
    let mut told = Vec::new();
    for part in octets.chunks(size) {
        framer.push(part);
        told.extend(std::iter::from_fn(|| framer.poll()));
    }
    told
}

fuzz_target!(|octets: &[u8]| {
    if let Opening::Yes(head) = websocket::opening(octets) {
        assert!(head.length <= octets.len());
    }
    assert_eq!(framed(octets, octets.len().max(1)), framed(octets, 1));
});
