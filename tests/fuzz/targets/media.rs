//! RTP, RTCP, STUN, telephone-events, and how hosts ask their NAT for a port.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::port_mapping::{self, GatewayRequest};
use sip_inspect::rtp::dtmf::TelephoneEvent;
use sip_inspect::rtp::{Receiver, RtpPacket, looks_like_rtcp, rtcp};
use sip_inspect::stun::{StunFramer, StunMessage};

fuzz_target!(|octets: &[u8]| {
    if let Some(packet) = RtpPacket::parse(octets) {
        assert!(packet.payload.len() + 12 <= octets.len());
        let _ = TelephoneEvent::parse(packet.payload);
    }
    let _ = looks_like_rtcp(octets);
    rtcp::walk(octets, |_| {});
    let _ = (port_mapping::answer(octets), port_mapping::gateway_address(octets));
    let mut request = GatewayRequest::default();
    for part in octets.chunks(64) {
        request.read(part);
    }
    let read = [
        StunMessage::parse(octets),
        StunMessage::parse_classic(octets, true),
        StunMessage::parse_broken(octets),
    ];
    for message in read.into_iter().flatten() {
        let _ = (message.header_fault(), message.alternate_server(), message.padding());
        let _ = (message.attributes().count(), message.mapped_address(), message.error_code());
        let _ = (message.fingerprint_ok(), message.other_address(), message.response_origin());
        let _ = (message.username(), message.ice_role(), message.transaction_text());
    }
    if let Some(mut framer) = StunFramer::recognise(octets) {
        for part in octets.chunks(7) {
            framer.push(part);
            while framer.poll().is_some() {}
            assert!(framer.pending() < 70_000);
        }
    }
    // Any sequence of numbers: counts stay consistent.
    let mut numbers = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    if let Some(first) = numbers.next() {
        let mut receiver = Receiver::new(first);
        let mut packets = 1;
        for number in numbers {
            receiver.packet(number);
            packets += 1;
        }
        let report = receiver.finish();
        assert!(report.lost <= report.expected);
        assert!(report.duplicates < packets);
        assert!(report.burst_max <= report.lost);
    }
});
