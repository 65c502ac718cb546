//! A SIP message, and the same octets as a stream cut in two ways.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::sip::header::{CSeq, NameAddr, Reason, Via, auth_params};
use sip_inspect::sip::{Framed, Framer, SipMessage, looks_like_sip};

fn framed(octets: &[u8], size: usize) -> Vec<Vec<u8>> {
    let mut framer = Framer::new();
    let mut messages = Vec::new();
    for part in octets.chunks(size) {
        framer.push(part);
        while let Some(framed) = framer.poll() {
            if let Framed::Message(message) = framed {
                messages.push(message);
            }
        }
    }
    messages
}

fuzz_target!(|octets: &[u8]| {
    if let Some(message) = SipMessage::parse(octets) {
        assert!(looks_like_sip(octets));
        // What is read once is read the same again.
        let again = SipMessage::parse(message.octets()).expect("a message");
        assert_eq!(again.header_fields(), message.header_fields());
        assert_eq!(again.body(), message.body());
        for field in message.header_fields() {
            let _ = Via::parse(field.value);
            let _ = CSeq::parse(field.value);
            let address = NameAddr::parse(field.value);
            let _ = (address.tag(), address.display_text(), address.parsed_uri());
            let _ = Reason::parse(field.value);
            let _ = auth_params(field.value);
            let _ = message.values(field.kind).count();
        }
        let _ = (message.sdp(), message.via_count(), message.body_of_type("message/sipfrag"));
    }
    // Whole and octet by octet give the same messages.
    let small = &octets[..octets.len().min(4096)];
    assert_eq!(framed(small, small.len().max(1)), framed(small, 1));
});
