//! DNS messages: what is read stays within its bounds and can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::dns::{DnsMessage, MAX_ANSWERS};

fuzz_target!(|octets: &[u8]| {
    if let Some(message) = DnsMessage::parse(octets) {
        assert!(message.answers.len() <= MAX_ANSWERS);
        assert_eq!(message.name, message.name.to_ascii_lowercase());
        for answer in &message.answers {
            assert!(answer.data.to_string().len() < 8192);
        }
    }
});
