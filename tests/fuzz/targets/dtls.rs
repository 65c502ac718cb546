//! DTLS datagrams: what was shown stays shown when more comes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::tls::DtlsTap;

fuzz_target!(|octets: &[u8]| {
    let mut tap = DtlsTap::default();
    tap.datagram(octets);
    let once = tap.shown.clone();
    tap.datagram(octets);
    assert!(once.client.is_none() || tap.shown.client.is_some());
    assert!(tap.shown.closed_records >= once.closed_records);
});
