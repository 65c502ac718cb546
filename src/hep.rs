//! The Homer encapsulation protocol: what capture agents send to a collector,
//! versions 1 to 3.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

use std::borrow::Cow;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::net::{Endpoint, Flow, Transport};
use crate::octets::{self, u8_at, u16_at, u32_at};
use crate::time::Timestamp;

/// What a packet of version 3 begins with.
pub const MAGIC: &[u8] = b"HEP3";
/// The shortest packet of version 3: no chunk at all.
pub const SHORTEST: usize = 6;
/// The most that a compressed payload may become: no datagram is longer.
const MAX_INFLATED: u64 = 65_535;

/// One packet that an agent captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hep<'a> {
    /// 1 to 3.
    pub version: u8,
    /// Who sent it to whom.
    pub flow: Flow,
    /// When the agent captured it.
    pub timestamp: Option<Timestamp>,
    /// What the payload is, as the agent says: 1 is SIP, 5 RTCP.
    pub kind: Option<u8>,
    /// The agent's number.
    pub agent: Option<u32>,
    /// The Call-ID that the agent ties the payload to.
    pub correlation: Option<Cow<'a, [u8]>>,
    /// The payload, inflated.
    pub payload: Cow<'a, [u8]>,
    /// Whether its end is missing.
    pub is_cut: bool,
}

/// The most that a datagram over IPv4 carries.
const MAX_DATAGRAM: u16 = 65_507;

/// Why what says that it is HEP can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HepError {
    /// The payload can't be inflated, or becomes longer than any datagram.
    #[error("HEP with a payload that can't be inflated")]
    Compression,
    /// Addresses, ports or payload are missing.
    #[error("HEP that lacks addresses or payload")]
    Incomplete,
}

/// Whether a payload begins as version 3 does.
#[inline]
#[must_use]
pub fn is_version_three(payload: &[u8]) -> bool {
    payload.starts_with(MAGIC)
}

/// Whether octets may become a packet of version 3: as far as they go, they are one.
#[must_use]
pub fn may_be_version_three(octets: &[u8]) -> bool {
    let length = octets.len().min(MAGIC.len());
    octets.get(..length) == MAGIC.get(..length)
        && self::length(octets).is_none_or(|length| length >= SHORTEST)
}

/// How long a packet of version 3 is, once that can be known.
#[must_use]
pub fn length(octets: &[u8]) -> Option<usize> {
    u16_at(octets, 4).map(usize::from)
}

/// Reads a packet; `None` where it is none. Of versions 1 and 2 the caller must
/// see that the payload is SIP. `near` is about when it came: it tells
/// in which byte order version 2 has its time.
#[must_use]
pub fn parse(packet: &[u8], near: Timestamp) -> Option<Result<Hep<'_>, HepError>> {
    if is_version_three(packet) {
        return Some(version_three(packet));
    }
    version_two(packet, near).map(Ok)
}

fn version_three(packet: &[u8]) -> Result<Hep<'_>, HepError> {
    let total = length(packet).unwrap_or_default();
    let mut is_cut = packet.len() < total;
    let mut rest = octets::span(packet, 6, total.saturating_sub(6));
    let (mut src, mut dst) = (None, None);
    let (mut src_port, mut dst_port) = (0, 0);
    let mut transport = Transport::Udp;
    let (mut seconds, mut micros) = (None, 0);
    let (mut kind, mut agent) = (None, None);
    let (mut correlation, mut payload) = (None, None);
    while let (Some(vendor), Some(chunk), Some(length)) =
        (u16_at(rest, 0), u16_at(rest, 2), u16_at(rest, 4))
    {
        let length = usize::from(length);
        let Some(size) = length.checked_sub(6) else {
            is_cut = true;
            break;
        };
        let data = octets::span(rest, 6, size);
        let is_short = data.len() < size;
        rest = octets::from(rest, length);
        if vendor != 0 {
            continue;
        }
        match chunk {
            2 if u8_at(data, 0) == Some(6) => transport = Transport::Tcp,
            3 => src = four(data, 0),
            4 => dst = four(data, 0),
            5 => src = six(data, 0),
            6 => dst = six(data, 0),
            7 => src_port = u16_at(data, 0).unwrap_or_default(),
            8 => dst_port = u16_at(data, 0).unwrap_or_default(),
            9 => seconds = u32_at(data, 0),
            10 => micros = u32_at(data, 0).unwrap_or_default(),
            11 => kind = u8_at(data, 0),
            12 => agent = u32_at(data, 0),
            15 => {
                is_cut |= is_short;
                payload = Some(Cow::Borrowed(data));
            }
            16 => {
                let (inflated, is_whole) = inflate(data)?;
                is_cut |= is_short || !is_whole;
                payload = Some(Cow::Owned(inflated));
            }
            17 => correlation = Some(Cow::Borrowed(data)),
            _ => {}
        }
    }
    let (Some(src), Some(dst), Some(payload)) = (src, dst, payload) else {
        return Err(HepError::Incomplete);
    };
    Ok(Hep {
        version: 3,
        flow: Flow {
            src: Endpoint::new(src, src_port),
            dst: Endpoint::new(dst, dst_port),
            transport,
        },
        timestamp: seconds.and_then(|seconds| moment(seconds, micros)),
        kind,
        agent,
        correlation,
        payload,
        is_cut,
    })
}

/// Versions 1 and 2: a header that names its length, the addresses, in version 2
/// the time. Nothing marks them, so that only SIP behind a header that fits may be
/// taken for one.
fn version_two(packet: &[u8], near: Timestamp) -> Option<Hep<'_>> {
    let (version, length) = (u8_at(packet, 0)?, u8_at(packet, 1)?);
    let (family, protocol) = (u8_at(packet, 2)?, u8_at(packet, 3)?);
    let transport = match protocol {
        17 => Transport::Udp,
        6 => Transport::Tcp,
        _ => return None,
    };
    let (src, dst, addresses) = match family {
        2 => (four(packet, 8)?, four(packet, 12)?, 16_usize),
        10 | 24 | 28 | 30 => (six(packet, 8)?, six(packet, 24)?, 40),
        _ => return None,
    };
    // Some count the time in the length, some do not.
    let header = match version {
        1 => addresses,
        2 => addresses.checked_add(12)?,
        _ => return None,
    };
    if usize::from(length) != addresses && usize::from(length) != header {
        return None;
    }
    let payload = packet.get(header..)?;
    // Written as the agent's machine has it: most have the low end first.
    let time = |swap: bool| {
        let read = |at| {
            let value = u32_at(packet, at)?;
            Some(if swap { value.swap_bytes() } else { value })
        };
        moment(read(addresses)?, read(addresses.checked_add(4)?)?)
    };
    let timestamp = (version == 2)
        .then(|| [time(true), time(false)])
        .into_iter()
        .flatten()
        .flatten()
        .min_by_key(|at| at.since(near).unsigned_abs());
    Some(Hep {
        version,
        flow: Flow {
            src: Endpoint::new(src, u16_at(packet, 4)?),
            dst: Endpoint::new(dst, u16_at(packet, 6)?),
            transport,
        },
        timestamp,
        kind: Some(1),
        agent: u16_at(packet, addresses.checked_add(8)?)
            .filter(|_| version == 2)
            .map(|agent| u32::from(agent.swap_bytes())),
        correlation: None,
        payload: Cow::Borrowed(payload),
        is_cut: false,
    })
}

/// What an agent sends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// Who sent it to whom.
    pub flow: Flow,
    /// When it was captured.
    pub timestamp: Timestamp,
    /// What it is: 1 is SIP, 5 a report of RTCP, 34 one on a stream of RTP.
    pub kind: u8,
    /// The agent's number.
    pub agent: u32,
    /// The Call-ID that it belongs to.
    pub correlation: Option<&'a [u8]>,
    /// The payload.
    pub payload: &'a [u8],
}

/// A packet of version 3; `None` where it does not fit a datagram.
#[must_use]
pub fn build(own: &Outgoing<'_>) -> Option<Vec<u8>> {
    let nanos = own.timestamp.as_nanos();
    let seconds = u32::try_from(nanos.checked_div(1_000_000_000)?).ok()?;
    let micros = u32::try_from(nanos.checked_rem(1_000_000_000)?.checked_div(1000)?).ok()?;
    let mut packet = [MAGIC, &[0, 0]].concat();
    let mut chunk = |kind: u16, data: &[u8]| -> Option<()> {
        let length = u16::try_from(data.len().checked_add(6)?).ok()?;
        packet.extend([0, 0]);
        packet.extend(kind.to_be_bytes());
        packet.extend(length.to_be_bytes());
        packet.extend(data);
        Some(())
    };
    let is_six = own.flow.src.ip.is_ipv6();
    let (src, dst) = if is_six { (5, 6) } else { (3, 4) };
    chunk(1, &[if is_six { 10 } else { 2 }])?;
    chunk(
        2,
        &[if own.flow.transport.is_reliable() {
            6
        } else {
            17
        }],
    )?;
    for (kind, end) in [(src, own.flow.src), (dst, own.flow.dst)] {
        match end.ip {
            IpAddr::V4(ip) => chunk(kind, &ip.octets())?,
            IpAddr::V6(ip) => chunk(kind, &ip.octets())?,
        }
    }
    chunk(7, &own.flow.src.port.to_be_bytes())?;
    chunk(8, &own.flow.dst.port.to_be_bytes())?;
    chunk(9, &seconds.to_be_bytes())?;
    chunk(10, &micros.to_be_bytes())?;
    chunk(11, &[own.kind])?;
    chunk(12, &own.agent.to_be_bytes())?;
    if let Some(correlation) = own.correlation {
        chunk(17, correlation)?;
    }
    chunk(15, own.payload)?;
    let length = u16::try_from(packet.len())
        .ok()
        .filter(|own| *own <= MAX_DATAGRAM)?;
    packet.get_mut(4..6)?.copy_from_slice(&length.to_be_bytes());
    Some(packet)
}

/// A payload that was compressed as RFC 1950 says; some agents take RFC 1952. What
/// came before damage is kept, and it is said that there is some.
fn inflate(data: &[u8]) -> Result<(Vec<u8>, bool), HepError> {
    let mut inflated = Vec::new();
    let read = if data.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(data)
            .take(MAX_INFLATED + 1)
            .read_to_end(&mut inflated)
    } else {
        flate2::read::ZlibDecoder::new(data)
            .take(MAX_INFLATED + 1)
            .read_to_end(&mut inflated)
    };
    if inflated.is_empty() || inflated.len() as u64 > MAX_INFLATED {
        return Err(HepError::Compression);
    }
    Ok((inflated, read.is_ok()))
}

fn four(data: &[u8], at: usize) -> Option<IpAddr> {
    Some(IpAddr::V4(Ipv4Addr::from(u32_at(data, at)?)))
}

fn six(data: &[u8], at: usize) -> Option<IpAddr> {
    let octets: [u8; 16] = data.get(at..at.checked_add(16)?)?.try_into().ok()?;
    Some(IpAddr::V6(Ipv6Addr::from(octets)))
}

fn moment(seconds: u32, micros: u32) -> Option<Timestamp> {
    let nanos = u64::from(seconds)
        .checked_mul(1_000_000_000)?
        .checked_add(u64::from(micros).checked_mul(1000)?)?;
    (micros < 1_000_000).then(|| Timestamp::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEAR: Timestamp = Timestamp::from_nanos(1_800_000_000_000_000_000);

    fn chunk(kind: u16, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len() + 6).expect("short");
        [
            &[0, 0],
            &kind.to_be_bytes()[..],
            &length.to_be_bytes(),
            data,
        ]
        .concat()
    }

    fn packet(chunks: &[Vec<u8>]) -> Vec<u8> {
        let chunks = chunks.concat();
        let length = u16::try_from(chunks.len() + 6).expect("short");
        [MAGIC, &length.to_be_bytes(), &chunks].concat()
    }

    fn addresses() -> Vec<Vec<u8>> {
        vec![
            chunk(2, &[6]),
            chunk(3, &[10, 0, 0, 1]),
            chunk(4, &[10, 0, 0, 2]),
            chunk(7, &5060_u16.to_be_bytes()),
            chunk(8, &5070_u16.to_be_bytes()),
            chunk(9, &1_800_000_000_u32.to_be_bytes()),
            chunk(10, &5_u32.to_be_bytes()),
            chunk(12, &2001_u32.to_be_bytes()),
        ]
    }

    fn with(more: Vec<u8>) -> Vec<u8> {
        let mut chunks = addresses();
        chunks.push(more);
        packet(&chunks)
    }

    fn read(packet: &[u8]) -> Result<Hep<'_>, HepError> {
        parse(packet, NEAR).expect("it has the magic")
    }

    #[test]
    fn version_three_tells_who_when_and_what() {
        let octets = with(chunk(15, b"OPTIONS"));
        let hep = read(&octets).expect("whole");
        assert_eq!(hep.flow.to_string(), "10.0.0.1:5060 -> 10.0.0.2:5070 tcp");
        assert_eq!(hep.timestamp, Some(NEAR.offset(5000)));
        assert_eq!((hep.agent, &hep.payload[..]), (Some(2001), &b"OPTIONS"[..]));
        assert!(!hep.is_cut);
        // Every cut is read as far as it goes, or refused.
        for cut in 6..octets.len() {
            match read(&octets[..cut]) {
                Ok(hep) => assert!(hep.is_cut && hep.payload.len() < 7, "{cut}"),
                Err(error) => assert_eq!(error, HepError::Incomplete, "{cut}"),
            }
        }
        assert_eq!(parse(b"HEP2....", NEAR), None);
        // A vendor's own chunk, and one that lies about its length.
        let mut foreign = chunk(15, b"x");
        foreign[1] = 9;
        assert_eq!(read(&with(foreign)), Err(HepError::Incomplete));
        let mut liar = chunk(15, b"OPTIONS");
        liar[5] = 5;
        assert_eq!(read(&with(liar)), Err(HepError::Incomplete));
    }

    #[test]
    fn m090_chunk_lengths_of_every_size_end() {
        for length in (0..=16).chain([255, 256, 32_767, 65_529, 65_535]) {
            let length: u16 = length;
            for place in [0, 2, 4] {
                let mut chunks = addresses();
                chunks.push(chunk(15, b"OPTIONS"));
                if let Some(chunk) = chunks.get_mut(place) {
                    chunk[4..6].copy_from_slice(&length.to_be_bytes());
                }
                let octets = packet(&chunks);
                // The magic, whatever the length of the whole says.
                for total in [0, 5, 6, length, 65_535] {
                    let mut octets = octets.clone();
                    octets[4..6].copy_from_slice(&total.to_be_bytes());
                    if let Some(Ok(hep)) = parse(&octets, NEAR) {
                        assert!(hep.payload.len() <= 7, "{length} {total}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_built_is_read_again() {
        let payload = vec![b'x'; 65_400];
        for (src, dst) in [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")] {
            let end = |ip: &str, port| Endpoint::new(ip.parse().expect("an address"), port);
            let own = Outgoing {
                flow: Flow {
                    src: end(src, 5060),
                    dst: end(dst, 5070),
                    transport: Transport::Udp,
                },
                timestamp: NEAR.offset(7000),
                kind: 1,
                agent: 9,
                correlation: Some(b"a@b"),
                payload: &payload[..65_000],
            };
            let packet = build(&own).expect("it fits");
            let hep = read(&packet).expect("whole");
            assert_eq!((hep.flow, hep.timestamp), (own.flow, Some(own.timestamp)));
            assert_eq!((hep.kind, hep.agent), (Some(1), Some(9)));
            assert_eq!(hep.correlation.as_deref(), Some(&b"a@b"[..]));
            assert_eq!(&hep.payload[..], own.payload);
            let payload = &payload[..];
            assert_eq!(build(&Outgoing { payload, ..own }), None);
        }
    }

    #[test]
    fn a_compressed_payload_is_bounded() {
        use std::io::Write as _;
        let squeeze = |data: &[u8]| {
            let mut packer =
                flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
            packer.write_all(data).expect("a vector takes all");
            packer.finish().expect("a vector takes all")
        };
        let check = |data: Vec<u8>, expected: Result<usize, HepError>| {
            let octets = with(chunk(16, &data));
            let length = read(&octets).map(|hep| hep.payload.len());
            assert_eq!(length, expected);
        };
        check(squeeze(b"OPTIONS"), Ok(7));
        check(squeeze(&vec![b'x'; 65_535]), Ok(65_535));
        check(squeeze(&vec![b'x'; 65_536]), Err(HepError::Compression));
        check(b"no stream at all".to_vec(), Err(HepError::Compression));
        check(Vec::new(), Err(HepError::Compression));
    }

    #[test]
    fn version_two_is_read_in_either_byte_order() {
        let check = |length: u8, little: bool| {
            let mut octets = vec![2, length, 2, 17];
            octets.extend([5060_u16.to_be_bytes(), 5070_u16.to_be_bytes()].concat());
            octets.extend([10, 0, 0, 1, 10, 0, 0, 2]);
            for number in [1_800_000_000_u32, 5] {
                octets.extend(if little {
                    number.to_le_bytes()
                } else {
                    number.to_be_bytes()
                });
            }
            octets.extend([7, 0, 0, 0]);
            octets.extend(b"OPTIONS");
            let hep = parse(&octets, NEAR)?.expect("whole");
            assert_eq!(&hep.payload[..], b"OPTIONS");
            assert_eq!(hep.flow.to_string(), "10.0.0.1:5060 -> 10.0.0.2:5070 udp");
            hep.timestamp
        };
        for little in [true, false] {
            assert_eq!(check(16, little), Some(NEAR.offset(5000)));
            assert_eq!(check(28, little), Some(NEAR.offset(5000)));
            assert_eq!(check(17, little), None);
        }
    }
}
