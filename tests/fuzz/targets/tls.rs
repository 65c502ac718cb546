//! TLS records: whole and octet by octet show the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::tls::TlsTap;

fn shown(octets: &[u8], size: usize) -> String {
    let mut tap = TlsTap::default();
    for part in octets.chunks(size) {
        tap.push(part);
    }
    format!("{:?}", tap.shown)
}

fuzz_target!(|octets: &[u8]| {
    assert_eq!(shown(octets, octets.len().max(1)), shown(octets, 1));
});
