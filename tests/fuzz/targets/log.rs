//! Logs that hold SIP: whatever they say, what is made of them is a capture of packets of
//! HEP, and what is no log comes out as it went in.
#![no_main]

use std::io::{Cursor, Read as _};

use libfuzzer_sys::fuzz_target;
use sip_inspect::capture::log;
use sip_inspect::hep;
use sip_inspect::pcap::{Decoder, Step};
use sip_inspect::time::Timestamp;

fuzz_target!(|octets: &[u8]| {
    let input = Box::new(Cursor::new(octets.to_vec()));
    let mut read = Vec::new();
    log::or_itself(input)
        .and_then(|mut input| input.read_to_end(&mut read))
        .expect("memory can be read");
    if read == octets {
        return;
    }
    let mut decoder = Decoder::new();
    let mut rest = read.as_slice();
    loop {
        match decoder.step(rest).expect("a capture") {
            Step::NeedMore(_) => break,
            Step::Skipped { consumed } => rest = &rest[consumed..],
            Step::Packet { consumed, data, timestamp, .. } => {
                // A record that lacks a part is one too, and is counted.
                if let Ok(hep) = hep::parse(data, Timestamp::default()).expect("HEP") {
                    assert!(!hep.payload.is_empty());
                    let micros = timestamp.as_nanos() / 1000;
                    assert_eq!(hep.timestamp.map(|at| at.as_nanos() / 1000), Some(micros));
                }
                rest = &rest[consumed..];
            }
        }
    }
    assert!(rest.is_empty());
});
