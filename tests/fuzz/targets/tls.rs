//! TLS records: whole and octet by octet show the same, with secrets and without.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::tls::{KeyLog, Session, TlsTap};

/// What a direction shows, and what it holds where it may be opened.
fn shown(octets: &[u8], size: usize, log: Option<&KeyLog>) -> String {
    let (mut tap, mut session) = (TlsTap::default(), Session::default());
    let mut plain = Vec::new();
    for part in octets.chunks(size) {
        tap.push(part, log.map(|log| (&mut session, log)));
        plain.extend(tap.take_plain());
    }
    tap.finish();
    format!("{:?} {plain:?}", tap.shown)
}

fuzz_target!(|octets: &[u8]| {
    let most = octets.len().max(1);
    assert_eq!(shown(octets, most, None), shown(octets, 1, None));
    // The lines of a log before, the octets of a stream behind: both are the sender's.
    let mut log = KeyLog::default();
    let end = octets.iter().position(|octet| *octet == 0x16).unwrap_or(octets.len());
    log.add(&octets[..end]);
    let rest = &octets[end..];
    assert_eq!(shown(rest, most, Some(&log)), shown(rest, 1, Some(&log)));
});
