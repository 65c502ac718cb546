use super::*;
use crate::packet::{CapturePoint, LinkType};
use crate::time::Timestamp;

const UDP: &[u8] = &[0x13, 0xc4, 0x13, 0xc5, 0, 12, 0, 0, b'p', b'i', b'n', b'g'];

fn ipv4(protocol: u8, flags: u16, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + payload.len()).expect("short");
    let mut packet = vec![0x45, 0xb8];
    packet.extend(total.to_be_bytes());
    packet.extend([0, 7]);
    packet.extend(flags.to_be_bytes());
    packet.extend([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend(payload);
    packet
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(u16::try_from(payload.len()).expect("short").to_be_bytes());
    packet.extend([next, 63]);
    let address = |last| [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
    packet.extend(address(1));
    packet.extend(address(2));
    packet.extend(payload);
    packet
}

fn framed(ethertype: &[u8], packet: &[u8]) -> Vec<u8> {
    [&[0; 12], ethertype, packet].concat()
}

fn with<T>(link_type: u32, data: &[u8], look: impl Fn(Content<'_>) -> T) -> T {
    look(
        decode(&Packet {
            number: 1,
            timestamp: Timestamp::default(),
            capture_point: CapturePoint(0),
            link_type: LinkType(link_type),
            original_length: 0,
            data,
        })
        .content,
    )
}

/// One line that says what a frame holds.
fn seen(link_type: u32, data: &[u8]) -> String {
    with(link_type, data, |content| match content {
        Content::Datagram(datagram) => format!(
            "{} {}{}",
            datagram.flow,
            String::from_utf8_lossy(datagram.payload),
            if datagram.truncated { " cut" } else { "" }
        ),
        Content::Segment(segment) => format!("{} seq {}", segment.flow, segment.sequence),
        Content::Fragment(fragment) => format!(
            "fragment {} +{} {}",
            fragment.offset,
            fragment.data.len(),
            fragment.more
        ),
        Content::IcmpError(error) => format!("{} {}", error.kind.name(), error.quoted),
        Content::Ignored(reason) => reason.to_string(),
    })
}

const PING: &str = "10.0.0.1:5060 -> 10.0.0.2:5061 udp ping";
const PING6: &str = "[2001:db8::1]:5060 -> [2001:db8::2]:5061 udp ping";

#[test]
fn m008_every_link_type_gives_the_same_datagram() {
    let packet = ipv4(17, 0, UDP);
    let check = |link_type, head: &[u8]| {
        assert_eq!(
            seen(link_type, &[head, &packet].concat()),
            PING,
            "{link_type}"
        );
    };
    check(1, &framed(&[8, 0], &[]));
    check(1, &framed(&[0x81, 0, 0, 5, 8, 0], &[]));
    check(1, &framed(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0], &[]));
    check(
        1,
        &framed(&[0x88, 0x64, 0x11, 0, 0, 1, 0, 34, 0, 0x21], &[]),
    );
    check(113, &[&[0; 14][..], &[8, 0]].concat());
    check(276, &[&[8, 0][..], &[0; 18]].concat());
    check(0, &[2, 0, 0, 0]);
    check(108, &[0, 0, 0, 2]);
    check(101, &[]);
    check(12, &[]);
    check(228, &[]);
    check(9, &[0xff, 3, 0, 0x21]);
    assert_eq!(seen(105, &packet), "link type 105 (IEEE 802.11)");
}

#[test]
fn m025_packets_within_packets_are_entered_to_a_bound() {
    let mut packet = ipv4(17, 0, UDP);
    for _ in 0..MAX_DEPTH {
        packet = ipv4(4, 0, &packet);
    }
    assert_eq!(seen(101, &packet), PING);
    assert_eq!(
        seen(101, &ipv4(4, 0, &packet)),
        "more than 16 packets within packets"
    );
    let gre = [&[0x20, 0, 8, 0, 0, 0, 0, 9][..], &ipv4(17, 0, UDP)].concat();
    assert_eq!(seen(101, &ipv4(47, 0, &gre)), PING);
    assert_eq!(seen(101, &ipv4(41, 0, &ipv6(17, UDP))), PING6);
}

#[test]
fn m025_extension_headers_are_walked_to_a_bound() {
    let chain = |count: usize| {
        let mut payload = Vec::new();
        for left in (0..count).rev() {
            payload.extend([if left == 0 { 17 } else { 60 }, 0, 0, 0, 0, 0, 0, 0]);
        }
        payload.extend(UDP);
        ipv6(if count == 0 { 17 } else { 60 }, &payload)
    };
    assert_eq!(seen(101, &chain(0)), PING6);
    assert_eq!(seen(101, &chain(11)), PING6);
    assert_eq!(seen(101, &chain(12)), "more than 16 packets within packets");
    let atomic = [&[17, 0, 0, 0, 0, 0, 0, 1][..], UDP].concat();
    assert_eq!(seen(101, &ipv6(44, &atomic)), PING6);
    let part = [&[17, 0, 0, 9, 0, 0, 0, 1][..], UDP].concat();
    assert_eq!(seen(101, &ipv6(44, &part)), "fragment 8 +12 true");
}

#[test]
fn m034_lengths_that_lie_keep_what_is_there() {
    let mut packet = ipv4(17, 0, UDP);
    packet[2..4].copy_from_slice(&[0, 0]);
    assert_eq!(seen(101, &packet), PING);
    packet[2..4].copy_from_slice(&[0xff, 0]);
    packet[24..26].copy_from_slice(&[0, 99]);
    assert_eq!(seen(101, &packet), format!("{PING} cut"));
    packet[2..4].copy_from_slice(&[0, 19]);
    assert_eq!(seen(101, &packet), "IPv4 header malformed");
    let padded = [&ipv4(17, 0, UDP)[..], b"padding"].concat();
    assert_eq!(seen(101, &padded), PING);
    assert_eq!(seen(101, &ipv4(17, 0x2000, UDP)), "fragment 0 +12 true");
}

#[test]
fn icmp_errors_name_the_flow_that_failed() {
    let quoted = ipv4(17, 0, UDP);
    let error = |kind, code, quoted: &[u8]| {
        let message = [&[kind, code, 0, 0, 0, 0, 0, 0][..], quoted].concat();
        seen(101, &ipv4(1, 0, &message))
    };
    let flow = "10.0.0.1:5060 -> 10.0.0.2:5061 udp";
    assert_eq!(
        error(3, 3, &quoted[..28]),
        format!("port-unreachable {flow}")
    );
    assert_eq!(error(3, 4, &quoted), format!("too-big {flow}"));
    assert_eq!(error(3, 3, &quoted[..23]), "quoted IP header cut");
    assert_eq!(error(8, 0, &quoted), "ICMP that is no error");
    let message = [&[1, 4, 0, 0, 0, 0, 0, 0][..], &ipv6(17, UDP)].concat();
    assert_eq!(
        seen(101, &ipv6(58, &message)),
        "port-unreachable [2001:db8::1]:5060 -> [2001:db8::2]:5061 udp"
    );
}

#[test]
fn a_frame_cut_anywhere_is_read_or_refused() {
    let tcp = [
        &[0x13, 0xc4, 0, 80, 0, 0, 0, 9, 0, 0, 0, 0, 0x50, 2][..],
        &[0; 6],
    ]
    .concat();
    for packet in [ipv4(17, 0, UDP), ipv4(6, 0, &tcp), ipv6(17, UDP)] {
        let frame = framed(
            if packet[0] == 0x60 {
                &[0x86, 0xdd]
            } else {
                &[8, 0]
            },
            &packet,
        );
        for cut in 0..frame.len() {
            let line = seen(1, &frame[..cut]);
            assert!(line.ends_with("cut"), "{cut}: {line}");
        }
    }
}
