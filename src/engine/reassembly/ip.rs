//! IP fragments (RFC 791, RFC 815; RFC 5722 for overlaps).

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::engine::limits::Limits;
use crate::link::{Fragment, Network};
use crate::packet::CapturePoint;
use crate::time::{SECOND, Timestamp};

/// The longest an IP packet can be.
const MAX_PACKET: u32 = 65_535;
/// How long parts wait for the rest (RFC 8200, 4.5 says 60; most systems 30).
const TIMEOUT_NS: i64 = 30 * SECOND;
/// Parts of one packet; a packet of 64 KiB in the smallest parts has more, but
/// nobody sends such.
const MAX_PARTS: usize = 512;

type Key = (CapturePoint, IpAddr, IpAddr, u32, u8);

/// A packet put together again.
#[derive(Debug)]
pub struct Reassembled {
    /// The first fragment's facts.
    pub network: Network,
    /// What it carries.
    pub protocol: u8,
    /// The whole payload.
    pub payload: Vec<u8>,
    /// How many fragments it came in.
    pub fragments: u32,
}

/// What became of a fragment.
#[derive(Debug)]
pub enum Outcome {
    /// It waits for others.
    Waiting,
    /// It completed a packet.
    Complete(Reassembled),
    /// It contradicts what came before; the packet is dropped (RFC 5722).
    Overlap,
    /// It can't belong to any packet.
    Malformed,
}

#[derive(Debug)]
struct Partial {
    network: Network,
    started: Timestamp,
    /// Offset and octets, in the order of the offsets.
    parts: Vec<(u32, Box<[u8]>)>,
    length: Option<u32>,
    bytes: usize,
    number: u64,
}

/// Fragments that wait.
#[derive(Debug)]
pub struct Reassembler {
    packets: HashMap<Key, Partial, RandomState>,
    /// Keys in the order of their first fragment, to find the oldest.
    order: std::collections::VecDeque<(u64, Key)>,
    bytes: usize,
    limit_bytes: usize,
    limit_packets: usize,
    next_number: u64,
    evicted: u64,
    expired: u64,
}

impl Reassembler {
    /// Nothing waiting.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            packets: HashMap::default(),
            order: std::collections::VecDeque::new(),
            bytes: 0,
            limit_bytes: limits.fragment_bytes,
            limit_packets: limits.fragment_packets,
            next_number: 0,
            evicted: 0,
            expired: 0,
        }
    }

    /// Packets that left unfinished because others needed the room.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Packets that were never finished.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.expired
            .saturating_add(u64::try_from(self.packets.len()).unwrap_or(u64::MAX))
    }

    /// Octets that wait.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes one fragment.
    pub fn fragment(
        &mut self,
        at: Timestamp,
        point: CapturePoint,
        fragment: &Fragment<'_>,
    ) -> Outcome {
        let length = u32::try_from(fragment.data.len()).unwrap_or(u32::MAX);
        let end = fragment.offset.saturating_add(length);
        if length == 0 || end > MAX_PACKET || (fragment.more && length % 8 != 0) {
            return Outcome::Malformed;
        }
        let network = fragment.network;
        let identification = network.identification.unwrap_or_default();
        let key = (
            point,
            network.src,
            network.dst,
            identification,
            fragment.protocol,
        );
        self.expire(at);
        let number = self.next_number;
        let partial = self.packets.entry(key).or_insert_with(|| Partial {
            network,
            started: at,
            parts: Vec::new(),
            length: None,
            bytes: 0,
            number,
        });
        if partial.number == number {
            self.next_number = number.saturating_add(1);
            self.order.push_back((number, key));
        }
        if fragment.offset == 0 {
            partial.network = network;
        }
        let place = partial
            .parts
            .partition_point(|(offset, _)| *offset < fragment.offset);
        if let Some((offset, data)) = partial.parts.get(place)
            && *offset == fragment.offset
            && **data == *fragment.data
        {
            // The same fragment again: captured twice, or sent twice.
            return Outcome::Waiting;
        }
        let before = place
            .checked_sub(1)
            .and_then(|place| partial.parts.get(place));
        let reaches = |(offset, data): &(u32, Box<[u8]>)| {
            offset.saturating_add(u32::try_from(data.len()).unwrap_or(u32::MAX))
        };
        let contradiction = before.is_some_and(|part| reaches(part) > fragment.offset)
            || partial
                .parts
                .get(place)
                .is_some_and(|(offset, _)| *offset < end)
            || partial
                .length
                .is_some_and(|length| end > length || (!fragment.more && end != length))
            || partial.parts.len() >= MAX_PARTS;
        if contradiction {
            self.forget(&key);
            return Outcome::Overlap;
        }
        if !fragment.more {
            partial.length = Some(end);
        }
        partial
            .parts
            .insert(place, (fragment.offset, fragment.data.into()));
        partial.bytes += fragment.data.len();
        self.bytes += fragment.data.len();
        let have: usize = partial.bytes;
        if partial.length.is_some_and(|length| length as usize == have)
            && let Some(partial) = self.forget(&key)
        {
            return Outcome::Complete(Reassembled {
                network: partial.network,
                protocol: fragment.protocol,
                fragments: u32::try_from(partial.parts.len()).unwrap_or(u32::MAX),
                payload: partial
                    .parts
                    .iter()
                    .flat_map(|(_, data)| data.iter().copied())
                    .collect(),
            });
        }
        while self.bytes > self.limit_bytes || self.packets.len() > self.limit_packets {
            if !self.drop_oldest() {
                break;
            }
            self.evicted += 1;
        }
        Outcome::Waiting
    }

    fn forget(&mut self, key: &Key) -> Option<Partial> {
        let partial = self.packets.remove(key)?;
        self.bytes = self.bytes.saturating_sub(partial.bytes);
        if self.order.len() > self.packets.len().saturating_mul(2).saturating_add(64) {
            let packets = &self.packets;
            self.order.retain(|(number, key)| {
                packets
                    .get(key)
                    .is_some_and(|partial| partial.number == *number)
            });
        }
        Some(partial)
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some((number, key)) = self.order.front().copied() {
            match self.packets.get(&key) {
                Some(partial) if partial.number == number => {
                    if now.since(partial.started) <= TIMEOUT_NS {
                        return;
                    }
                    self.order.pop_front();
                    self.forget(&key);
                    self.expired += 1;
                }
                _ => {
                    self.order.pop_front();
                }
            }
        }
    }

    fn drop_oldest(&mut self) -> bool {
        while let Some((number, key)) = self.order.pop_front() {
            if self
                .packets
                .get(&key)
                .is_some_and(|partial| partial.number == number)
            {
                self.forget(&key);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reassembler(packets: usize) -> Reassembler {
        Reassembler::new(&Limits {
            fragment_packets: packets,
            ..Limits::default()
        })
    }

    fn part(identification: u32, offset: u32, more: bool, data: &[u8]) -> Fragment<'_> {
        Fragment {
            network: Network {
                src: "192.0.2.1".parse().expect("an address"),
                dst: "192.0.2.2".parse().expect("an address"),
                ttl: 64,
                dscp: 0,
                identification: Some(identification),
            },
            protocol: 17,
            offset,
            more,
            data,
        }
    }

    fn push(reassembler: &mut Reassembler, second: u64, part: &Fragment<'_>) -> Outcome {
        let at = Timestamp::from_nanos(second * 1_000_000_000);
        reassembler.fragment(at, CapturePoint(0), part)
    }

    #[test]
    fn any_order_gives_the_same_packet() {
        let parts = [
            part(7, 0, true, b"abcdefgh"),
            part(7, 8, true, b"ijklmnop"),
            part(7, 16, false, b"qr"),
        ];
        for order in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            let mut reassembler = reassembler(9);
            assert!(matches!(
                push(&mut reassembler, 0, &parts[order[0]]),
                Outcome::Waiting
            ));
            assert!(matches!(
                push(&mut reassembler, 0, &parts[order[0]]),
                Outcome::Waiting
            ));
            assert!(matches!(
                push(&mut reassembler, 0, &parts[order[1]]),
                Outcome::Waiting
            ));
            let Outcome::Complete(packet) = push(&mut reassembler, 0, &parts[order[2]]) else {
                panic!("{order:?} is not complete");
            };
            assert_eq!(packet.payload, b"abcdefghijklmnopqr");
            assert_eq!((packet.fragments, reassembler.bytes()), (3, 0));
        }
    }

    #[test]
    fn m027_contradictions_drop_the_packet() {
        let mut overlapping = reassembler(9);
        push(&mut overlapping, 0, &part(1, 0, true, b"abcdefgh"));
        let again = part(1, 0, true, b"ABCDEFGH");
        assert!(matches!(
            push(&mut overlapping, 0, &again),
            Outcome::Overlap
        ));
        assert_eq!(overlapping.bytes(), 0);
        let mut long = reassembler(9);
        assert!(matches!(
            push(&mut long, 0, &part(1, 65_528, false, b"12345678")),
            Outcome::Malformed
        ));
        assert!(matches!(
            push(&mut long, 0, &part(1, 65_528, false, b"1234567")),
            Outcome::Waiting
        ));
        assert!(matches!(
            push(&mut long, 0, &part(1, 0, true, b"1234567")),
            Outcome::Malformed
        ));
    }

    #[test]
    fn the_oldest_leave_by_time_and_by_number() {
        let mut timed = reassembler(9);
        push(&mut timed, 0, &part(1, 0, true, b"abcdefgh"));
        push(&mut timed, 30, &part(2, 0, true, b"abcdefgh"));
        assert_eq!(timed.packets.len(), 2);
        push(&mut timed, 31, &part(3, 0, true, b"abcdefgh"));
        assert_eq!((timed.packets.len(), timed.unfinished()), (2, 3));
        let mut flooded = reassembler(50);
        for number in 0..500 {
            push(&mut flooded, 0, &part(number, 0, true, b"abcdefgh"));
            assert!(flooded.packets.len() <= 50 && flooded.order.len() <= 200);
        }
        assert_eq!(flooded.evicted(), 450);
    }
}
