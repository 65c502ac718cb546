//! Packets of capture agents; what is read lies within what was sent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::hep;
use sip_inspect::time::Timestamp;

fuzz_target!(|octets: &[u8]| {
    if let Some(Ok(read)) = hep::parse(octets, Timestamp::default()) {
        assert!(read.payload.len() <= 65_535);
        assert!((1..=3).contains(&read.version));
    }
});
