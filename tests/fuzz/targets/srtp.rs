//! Protected packets under a key: none is longer than what it came from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::srtp::{self, Context, Master};

fuzz_target!(|octets: &[u8]| {
    let Some((length, rest)) = octets.split_first() else {
        return;
    };
    let (parameters, packet) = rest.split_at(usize::from(*length).min(rest.len()));
    let suites = ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AEAD_AES_128_GCM"];
    for suite in suites {
        let key = b"inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|1:4";
        for own in [parameters, key] {
            let Some(master) = Master::of_sdes(suite, own) else {
                continue;
            };
            let mut context = Context::new(&master);
            if let Some(opened) = srtp::header_length(packet).and_then(|at| context.open_rtp(packet, at)) {
                assert!(opened.len() <= packet.len());
            }
            if let Some(opened) = context.open_rtcp(packet) {
                assert!(opened.len() <= packet.len());
            }
        }
    }
});
