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
    let packet = Packet {
        number: 1,
        timestamp: Timestamp::default(),
        file: 0,
        capture_point: CapturePoint(0),
        link_type: LinkType(link_type),
        original_length: 0,
        data,
    };
    let decoded = decode(&packet);
    // The short form holds the same, of datagrams that came through no tunnel alone.
    let is_plain = matches!(decoded.content, Content::Datagram(_)) && decoded.tunnel.is_none();
    let plain = Plain::of(&packet);
    assert_eq!(plain.is_some(), is_plain);
    if let Some(plain) = plain {
        let again = plain.decoded(&packet);
        assert_eq!(format!("{again:?}"), format!("{decoded:?}"));
    }
    look(decoded.content)
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

/// A packet in a datagram between these ports.
fn in_udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = [src.to_be_bytes(), dst.to_be_bytes()].concat();
    let length = u16::try_from(payload.len() + 8).expect("short");
    datagram.extend(length.to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    ipv4(17, 0, &datagram)
}

/// Each way to carry a packet in another, with what the tunnel is called.
fn tunnels(packet: &[u8]) -> Vec<(&'static str, u32, Vec<u8>)> {
    let frame = framed(&[8, 0], packet);
    let tagged = framed(&[0x81, 0, 0, 7, 8, 0], packet);
    let gre = |head: &[u8], inner: &[u8]| ipv4(47, 0, &[head, inner].concat());
    let ppp = [&[0xff, 3, 0, 0x21][..], packet].concat();
    let labels = [&[0, 1, 0x20, 64, 0, 2, 0x31, 64][..], packet].concat();
    vec![
        ("ip", 101, ipv4(4, 0, packet)),
        ("gre", 101, gre(&[0, 0, 8, 0], packet)),
        ("gre 9", 101, gre(&[0x20, 0, 8, 0, 0, 0, 0, 9], packet)),
        (
            "gre",
            101,
            gre(&[0x90, 0, 0x65, 0x58, 1, 2, 0, 0, 0, 0, 0, 1], &tagged),
        ),
        (
            "gre 1",
            101,
            gre(&[0x30, 1, 0x88, 0x0b, 0, 9, 0, 1, 0, 0, 0, 1], &ppp),
        ),
        ("gre", 101, gre(&[0, 0, 0x88, 0x47], &labels)),
        ("erspan", 101, gre(&[0, 0, 0x88, 0xbe], &frame)),
        (
            "erspan 5",
            101,
            gre(
                &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 5, 0, 0, 0, 0],
                &frame,
            ),
        ),
        (
            "erspan 5",
            101,
            gre(
                &[
                    0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0,
                ],
                &frame,
            ),
        ),
        (
            "erspan 5",
            101,
            gre(
                &[
                    0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9,
                    9, 9, 9, 9, 9, 9,
                ],
                &frame,
            ),
        ),
        (
            "vxlan 42",
            101,
            in_udp(
                50000,
                4789,
                &[&[8, 0, 0, 0, 0, 0, 42, 0][..], &tagged].concat(),
            ),
        ),
        (
            "geneve 42",
            101,
            in_udp(
                50000,
                6081,
                &[&[1, 0, 0x65, 0x58, 0, 0, 42, 0, 1, 2, 3, 0][..], &frame].concat(),
            ),
        ),
        (
            "geneve 42",
            101,
            in_udp(
                50000,
                6081,
                &[&[0, 0, 8, 0, 0, 0, 42, 0][..], packet].concat(),
            ),
        ),
        (
            "gtp-u 42",
            101,
            in_udp(2152, 2152, &gtp(&[0x30, 0xff], &[], packet)),
        ),
        (
            "gtp-u 42",
            101,
            in_udp(
                2152,
                2152,
                &gtp(&[0x34, 0xff], &[0, 0, 0, 0x85, 1, 0, 9, 0], packet),
            ),
        ),
        (
            "l2tp 65538",
            101,
            in_udp(1701, 1701, &[&[0, 2, 0, 1, 0, 2][..], &ppp].concat()),
        ),
        (
            "l2tp 65538",
            101,
            in_udp(
                1701,
                1701,
                &[
                    &[0x4a, 2, 0, 99, 0, 1, 0, 2, 0, 1, 0, 1, 0, 2, 7, 7][..],
                    &ppp,
                ]
                .concat(),
            ),
        ),
        (
            "l2tp 7",
            101,
            ipv4(115, 0, &[&[0, 0, 0, 7, 1, 2, 3, 4][..], &frame].concat()),
        ),
        (
            "l2tp 7",
            101,
            in_udp(
                1701,
                1701,
                &[&[0, 3, 0, 0, 0, 0, 0, 7][..], &frame].concat(),
            ),
        ),
        ("mpls", 101, ipv4(137, 0, &labels)),
        ("mpls", 101, in_udp(50000, 6635, &labels[4..])),
        ("", 1, framed(&[0x88, 0x47], &labels)),
        (
            "",
            1,
            framed(&[0x88, 0x47], &[&labels[..8], &[0; 4], &frame].concat()),
        ),
        (
            "",
            1,
            framed(&[0, 50, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0], packet),
        ),
        (
            "",
            1,
            framed(
                &[0x88, 0x64, 0x11, 0, 0, 1],
                &[
                    &u16::try_from(ppp.len()).expect("short").to_be_bytes()[..],
                    &ppp,
                ]
                .concat(),
            ),
        ),
        ("", 104, [&[0x0f, 0, 8, 0][..], packet].concat()),
        ("", 239, nflog(packet)),
        (
            "ip",
            101,
            ipv4(51, 0, &[&[4, 4][..], &[0; 22], packet].concat()),
        ),
    ]
}

fn gtp(head: &[u8], options: &[u8], packet: &[u8]) -> Vec<u8> {
    let length = u16::try_from(options.len() + packet.len()).expect("short");
    [head, &length.to_be_bytes(), &[0, 0, 0, 42], options, packet].concat()
}

fn nflog(packet: &[u8]) -> Vec<u8> {
    let length = u16::try_from(packet.len() + 4).expect("short");
    let attribute = |length: u16, kind: u16| [length.to_le_bytes(), kind.to_le_bytes()].concat();
    let mark = [&attribute(7, 10)[..], b"ab\0", &[0]].concat();
    [&[2, 0, 0, 0][..], &mark, &attribute(length, 9), packet].concat()
}

fn tunnel_of(link_type: u32, data: &[u8]) -> String {
    let packet = Packet {
        number: 1,
        timestamp: Timestamp::default(),
        file: 0,
        capture_point: CapturePoint(0),
        link_type: LinkType(link_type),
        original_length: 0,
        data,
    };
    let name = |tunnel: Tunnel| match tunnel.key {
        Some(key) => format!("{} {key}", tunnel.kind.name()),
        None => tunnel.kind.name().to_owned(),
    };
    decode(&packet).tunnel.map_or_else(String::new, name)
}

#[test]
fn every_tunnel_gives_the_same_datagram() {
    let packet = ipv4(17, 0, UDP);
    for (name, link_type, around) in tunnels(&packet) {
        assert_eq!(seen(link_type, &around), PING, "{name} {link_type}");
        assert_eq!(tunnel_of(link_type, &around), name);
    }
    for (first, _, inner) in tunnels(&packet).iter().filter(|own| own.1 == 101) {
        for (second, link_type, around) in tunnels(inner) {
            assert_eq!(seen(link_type, &around), PING, "{first} in {second}");
        }
    }
}

#[test]
fn what_only_has_the_port_of_a_tunnel_is_left_as_it_is() {
    let rtp = [&[0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4][..], &[0xd5; 160]].concat();
    for port in [1701, 2152, 4789, 6081, 6635, 8472] {
        for payload in [&rtp[..], b"OPTIONS sip:a SIP/2.0\r\n\r\n", &[8, 0, 0], &[]] {
            let line = seen(101, &in_udp(port, port, payload));
            assert!(line.contains(&format!(":{port} udp")), "{port}: {line}");
        }
    }
}

#[test]
fn a_tunnel_cut_anywhere_is_read_or_refused() {
    let packet = ipv4(17, 0, UDP);
    for (_, link_type, around) in tunnels(&packet) {
        for cut in 0..around.len() {
            let line = seen(link_type, &around[..cut]);
            assert!(line != PING, "{cut} of {}", around.len());
        }
    }
}
