//! A session description.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::sdp::{IceFragment, MAX_MEDIA, SessionDescription};

fuzz_target!(|octets: &[u8]| {
    let description = SessionDescription::parse(octets);
    assert!(description.media.len() <= MAX_MEDIA);
    assert!(IceFragment::parse(octets).media.len() <= MAX_MEDIA);
    for media in &description.media {
        let _ = (media.endpoint(), media.rtcp_endpoint(), media.effective_direction());
        for payload_type in &media.payload_types {
            let _ = media.codec(*payload_type);
        }
    }
});
