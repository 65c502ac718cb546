//! The same traffic as it looks from outside a tunnel.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use super::{Workload, wire};
use crate::net::{Endpoint, Flow, Transport};
use crate::time::Timestamp;

/// A way to carry one frame in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrap {
    /// Two VLAN tags (IEEE 802.1ad).
    QinQ,
    /// PPPoE (RFC 2516).
    Pppoe,
    /// Two labels (RFC 3032).
    Mpls,
    /// Ethernet behind two labels and a control word (RFC 4448).
    Pseudowire,
    /// IP in IPv4 (RFC 2003, RFC 4213).
    Ip,
    /// RFC 2784 with a key (RFC 2890).
    Gre,
    /// Ethernet in GRE.
    GreEthernet,
    /// RFC 2637.
    Pptp,
    /// A mirror without a header of its own.
    ErspanOne,
    /// A mirror with 8 octets of header.
    ErspanTwo,
    /// A mirror with 12.
    ErspanThree,
    /// RFC 7348.
    Vxlan,
    /// RFC 8926, with an option.
    Geneve,
    /// 3GPP TS 29.281, with an extension header.
    Gtp,
    /// RFC 2661.
    L2tpTwo,
    /// RFC 3931, with a cookie.
    L2tpThree,
    /// What an agent sends on of signalling, version 2.
    HepTwo,
    /// Version 3.
    HepThree,
    /// Version 3, compressed.
    HepCompressed,
}

impl Wrap {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::QinQ,
        Self::Pppoe,
        Self::Mpls,
        Self::Pseudowire,
        Self::Ip,
        Self::Gre,
        Self::GreEthernet,
        Self::Pptp,
        Self::ErspanOne,
        Self::ErspanTwo,
        Self::ErspanThree,
        Self::Vxlan,
        Self::Geneve,
        Self::Gtp,
        Self::L2tpTwo,
        Self::L2tpThree,
        Self::HepTwo,
        Self::HepThree,
        Self::HepCompressed,
    ];

    /// What records call the tunnel; `None` where it has no ends of its own.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::QinQ | Self::Pppoe | Self::Mpls | Self::Pseudowire => return None,
            Self::Ip => "ip",
            Self::Gre | Self::GreEthernet | Self::Pptp => "gre",
            Self::ErspanOne | Self::ErspanTwo | Self::ErspanThree => "erspan",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::Gtp => "gtp-u",
            Self::L2tpTwo | Self::L2tpThree => "l2tp",
            Self::HepTwo | Self::HepThree | Self::HepCompressed => "hep",
        })
    }

    /// The frames that carry `frame`, which was captured `at`: several where the
    /// way has no room for it at once. What an agent would not send on stays as it
    /// is.
    fn around(self, at: Timestamp, frame: &[u8], number: u16) -> Vec<Vec<u8>> {
        let (head, packet) = frame.split_at(14.min(frame.len()));
        let ethertype = head.get(12..).unwrap_or_default();
        let is_six = ethertype == [0x86, 0xdd];
        let ppp = [&[0, if is_six { 0x57 } else { 0x21 }][..], packet].concat();
        let same = |payload: &[&[u8]]| vec![[&[&head[..12]], payload].concat().concat()];
        let ip = |protocol: u8, payload: &[&[u8]]| {
            vec![wire::ipv4(outer(0), protocol, number, &payload.concat())]
        };
        let udp = |port: u16, payload: &[&[u8]]| {
            let payload = payload.concat();
            match payload.len() {
                0..=1300 => vec![wire::udp(outer(port), number, &payload)],
                _ => wire::fragments(outer(port), number, &payload, 1280),
            }
        };
        let size = |octets: &[u8]| {
            u16::try_from(octets.len())
                .unwrap_or(u16::MAX)
                .to_be_bytes()
        };
        match self {
            Self::QinQ => same(&[&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6], ethertype, packet]),
            Self::Pppoe => same(&[&[0x88, 0x64, 0x11, 0, 0, 1], &size(&ppp), &ppp]),
            Self::Mpls => same(&[&[0x88, 0x47], &LABELS, packet]),
            Self::Pseudowire => same(&[&[0x88, 0x47], &LABELS, &[0; 4], frame]),
            Self::Ip => ip(if is_six { 41 } else { 4 }, &[packet]),
            Self::Gre => ip(47, &[&[0x20, 0], ethertype, &KEY, packet]),
            Self::GreEthernet => ip(47, &[&[0, 0, 0x65, 0x58], frame]),
            Self::Pptp => ip(
                47,
                &[
                    &[0x30, 1, 0x88, 0x0b],
                    &size(&ppp),
                    &KEY[2..],
                    &[0; 4],
                    &ppp,
                ],
            ),
            Self::ErspanOne => ip(47, &[&[0, 0, 0x88, 0xbe], frame]),
            Self::ErspanTwo => {
                let mirror = [0x10, 0, 0, 42, 0, 0, 0, 0];
                ip(47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1], &mirror, frame])
            }
            Self::ErspanThree => {
                let mirror = [0x20, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0, 0];
                ip(47, &[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], &mirror, frame])
            }
            Self::Vxlan => udp(4789, &[&[8, 0, 0, 0], &IDENTIFIER, frame]),
            Self::Geneve => udp(
                6081,
                &[&[1, 0, 0x65, 0x58], &IDENTIFIER, &[1, 2, 3, 0], frame],
            ),
            Self::Gtp => {
                let extension = [0, 0, 0, 0x85, 1, 0, 9, 0];
                let inner = [&extension, packet].concat();
                udp(2152, &[&[0x34, 0xff], &size(&inner), &KEY, &inner])
            }
            Self::L2tpTwo => udp(1701, &[&[0, 2, 0, 0, 0, 42, 0xff, 3], &ppp]),
            Self::L2tpThree => ip(115, &[&KEY, &[1, 2, 3, 4], frame]),
            Self::HepTwo | Self::HepThree | Self::HepCompressed => match signalling(packet) {
                Some((flow, payload)) => udp(9060, &[&self.hep(at, flow, payload)]),
                None => vec![frame.to_vec()],
            },
        }
    }

    fn hep(self, at: Timestamp, flow: Flow, payload: &[u8]) -> Vec<u8> {
        let seconds = u32::try_from(at.as_nanos() / 1_000_000_000).unwrap_or_default();
        let micros = u32::try_from(at.as_nanos() / 1000 % 1_000_000).unwrap_or_default();
        let address = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        let (src, dst) = (address(flow.src.ip), address(flow.dst.ip));
        let is_six = flow.src.ip.is_ipv6();
        let ports = [flow.src.port.to_be_bytes(), flow.dst.port.to_be_bytes()].concat();
        if self == Self::HepTwo {
            let (length, family) = if is_six { (52, 10) } else { (28, 2) };
            let time = [seconds.to_le_bytes(), micros.to_le_bytes()].concat();
            let head = [&[2, length, family, 17], &ports[..], &src, &dst].concat();
            return [&head[..], &time, &[42, 0, 0, 0], payload].concat();
        }
        let mut chunks = Vec::new();
        let mut chunk = |kind: u16, data: &[u8]| {
            let length = u16::try_from(data.len() + 6).unwrap_or(u16::MAX);
            chunks.extend([[0, 0], kind.to_be_bytes(), length.to_be_bytes()].concat());
            chunks.extend(data);
        };
        chunk(1, &[if is_six { 10 } else { 2 }]);
        chunk(2, &[17]);
        chunk(if is_six { 5 } else { 3 }, &src);
        chunk(if is_six { 6 } else { 4 }, &dst);
        chunk(7, &ports[..2]);
        chunk(8, &ports[2..]);
        chunk(9, &seconds.to_be_bytes());
        chunk(10, &micros.to_be_bytes());
        chunk(11, &[1]);
        chunk(12, &KEY);
        if self == Self::HepCompressed {
            let level = flate2::Compression::default();
            let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), level);
            // A vector takes all.
            let packed = packer.write_all(payload).and_then(|()| packer.finish());
            chunk(16, &packed.unwrap_or_default());
        } else {
            chunk(15, payload);
        }
        let length = u16::try_from(chunks.len() + 6).unwrap_or(u16::MAX);
        [b"HEP3", &length.to_be_bytes()[..], &chunks].concat()
    }
}

const LABELS: [u8; 8] = [0, 1, 0x20, 64, 0, 2, 0x31, 64];
/// What tells one tunnel from another: 42, in 32 bits and in the 24 before 8 more.
const KEY: [u8; 4] = [0, 0, 0, 42];
const IDENTIFIER: [u8; 4] = [0, 0, 42, 0];

/// Between the ends of the tunnel.
fn outer(port: u16) -> Flow {
    let end = |last| Endpoint::new(Ipv4Addr::new(192, 0, 2, last).into(), port);
    Flow {
        src: end(1),
        dst: end(2),
        transport: Transport::Udp,
    }
}

/// What an agent sends on: SIP in a datagram that is whole.
fn signalling(packet: &[u8]) -> Option<(Flow, &[u8])> {
    let (src, dst, protocol, rest): (IpAddr, IpAddr, u8, &[u8]) = match packet.first()? >> 4 {
        4 if packet.get(6)? & 0x3f == 0 && *packet.get(7)? == 0 => {
            let address = |at: usize| -> Option<IpAddr> {
                let octets: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
                Some(octets.into())
            };
            (
                address(12)?,
                address(16)?,
                *packet.get(9)?,
                packet.get(20..)?,
            )
        }
        6 => {
            let address = |at: usize| -> Option<IpAddr> {
                let octets: [u8; 16] = packet.get(at..at + 16)?.try_into().ok()?;
                Some(octets.into())
            };
            (
                address(8)?,
                address(24)?,
                *packet.get(6)?,
                packet.get(40..)?,
            )
        }
        _ => return None,
    };
    let port = |at: usize| Some(u16::from_be_bytes(rest.get(at..at + 2)?.try_into().ok()?));
    let payload = rest.get(8..).filter(|_| protocol == 17)?;
    let flow = Flow {
        src: Endpoint::new(src, port(0)?),
        dst: Endpoint::new(dst, port(2)?),
        transport: Transport::Udp,
    };
    crate::sip::looks_like_sip(payload).then_some((flow, payload))
}

impl Workload {
    /// The same traffic inside a tunnel. The truth stays, but for the packets,
    /// which may be more.
    #[must_use]
    pub fn within(self, wrap: Wrap) -> Self {
        let mut truth = self.truth;
        let mut packets = Vec::with_capacity(self.packets.len());
        for ((at, frame), number) in self.packets.into_iter().zip((1..=u16::MAX).cycle()) {
            let frames = wrap.around(at, &frame, number);
            packets.extend(frames.into_iter().map(|frame| (at, frame)));
        }
        truth.packets = packets.len() as u64;
        Self { packets, truth }
    }
}
