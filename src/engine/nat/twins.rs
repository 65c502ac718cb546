//! The same packet on both sides of a NAT.

use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::Translation;
use crate::link::Network;
use crate::net::{Endpoint, Flow, is_private};
use crate::packet::PacketRef;
use crate::time::SECOND;

/// How surely equal packets are the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It has an identity of its own: a branch, a transaction, a source with
    /// its numbers.
    Unique,
    /// Any payload: many hosts may send the same.
    Plain,
}

/// One packet at one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    pub at: PacketRef,
    pub flow: Flow,
    ttl: Option<u8>,
    identification: Option<u32>,
}

impl Sighting {
    pub(super) fn of(at: PacketRef, flow: Flow, network: Option<&Network>) -> Self {
        Self {
            at,
            flow: flow.carrier(),
            ttl: network.map(|network| network.ttl),
            identification: network.and_then(|network| network.identification),
        }
    }
}

/// A packet that was translated on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub inside: Sighting,
    pub outside: Sighting,
    /// Whether it went out.
    pub is_outbound: bool,
}

impl Pair {
    pub(super) const fn translation(&self) -> Translation {
        let (inside, outside) = (self.inside.flow, self.outside.flow);
        if self.is_outbound {
            Translation {
                transport: inside.transport,
                inside: inside.src,
                outside: outside.src,
                remote: Some(inside.dst),
            }
        } else {
            Translation {
                transport: inside.transport,
                inside: inside.dst,
                outside: outside.dst,
                remote: Some(inside.src),
            }
        }
    }
}

/// Packets seen lately, by what they hold.
///
/// A ring in which the oldest is overwritten; those whose keys fall into one
/// bucket are linked from the newest to the oldest. Nothing is ever taken out:
/// a link that leads out of the ring leads nowhere.
#[derive(Debug)]
pub(super) struct Twins {
    ring: Vec<Seen>,
    /// The newest of each bucket, counted from 1.
    buckets: Vec<u32>,
    /// How many were ever put in.
    count: u32,
    capacity: u32,
    hasher: RandomState,
}

#[derive(Debug)]
struct Seen {
    key: u64,
    /// The one before in its bucket.
    before: u32,
    sighting: Sighting,
}

/// Places at which one packet is looked for.
const MAX_PLACES: usize = 4;
/// A payload that anybody may send must pass at once.
const AT_ONCE_NS: i64 = SECOND;

impl Twins {
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = u32::try_from(capacity.max(1)).unwrap_or(u32::MAX / 4);
        Self {
            ring: Vec::new(),
            buckets: Vec::new(),
            count: 0,
            capacity: capacity.min(u32::MAX / 4),
            hasher: RandomState::default(),
        }
    }

    pub(super) const fn bytes_held(&self) -> usize {
        self.ring.len() * size_of::<Seen>() + self.buckets.len() * size_of::<u32>()
    }

    #[inline]
    pub(super) fn digest(&self, what: impl Hash) -> u64 {
        self.hasher.hash_one(what)
    }

    /// A packet was seen; hands back what it is the translation of, and whether
    /// it is one that a router passed on as it was.
    #[inline]
    pub(super) fn see(&mut self, key: u64, kind: Kind, now: Sighting) -> (Option<Pair>, bool) {
        let newest = self.newest(key);
        let mut at = newest;
        let (mut places, mut known, mut pair) = (0, None, None);
        while let Some(seen) = self.seen(at) {
            if seen.key == key {
                places += 1;
                if seen.sighting.flow == now.flow {
                    known = Some(at);
                } else if pair.is_none() {
                    pair = translated(kind, seen.sighting, now);
                }
            }
            at = seen.before;
        }
        if let Some(known) = known
            && let Some(seen) = self.seen_mut(known)
        {
            let then = seen.sighting;
            let hops = then.ttl.zip(now.ttl).filter(|(then, now)| then != now);
            let is_passed = hops.is_some() && then.at.timestamp != now.at.timestamp;
            // Sent again, or captured again; each place counts once.
            if then.at.capture_point == now.at.capture_point {
                seen.sighting = now;
            }
            return (pair, is_passed);
        }
        if places < MAX_PLACES {
            self.put(Seen {
                key,
                before: newest,
                sighting: now,
            });
        }
        (pair, false)
    }

    fn bucket(&self, key: u64) -> usize {
        let mask = self.buckets.len().wrapping_sub(1);
        usize::try_from(key).unwrap_or(usize::MAX) & mask
    }

    fn newest(&self, key: u64) -> u32 {
        self.buckets.get(self.bucket(key)).copied().unwrap_or(0)
    }

    /// Where one stands that is counted so; `None` once it is overwritten.
    fn place(&self, number: u32) -> Option<usize> {
        let age = self.count.wrapping_sub(number);
        let is_there = number != 0 && age < self.capacity;
        is_there.then_some((number.wrapping_sub(1) % self.capacity) as usize)
    }

    fn seen(&self, number: u32) -> Option<&Seen> {
        self.ring.get(self.place(number)?)
    }

    fn seen_mut(&mut self, number: u32) -> Option<&mut Seen> {
        let place = self.place(number)?;
        self.ring.get_mut(place)
    }

    fn put(&mut self, seen: Seen) {
        if self.count == u32::MAX {
            // The count begins anew: what came before it is forgotten.
            (self.count, self.ring, self.buckets) = (0, Vec::new(), Vec::new());
        }
        self.count += 1;
        if self.ring.len() < self.capacity as usize {
            self.ring.push(seen);
            if self.ring.len() > self.buckets.len() / 2 {
                self.widen();
                return;
            }
        } else {
            let place = self.place(self.count);
            if let Some(oldest) = place.and_then(|place| self.ring.get_mut(place)) {
                *oldest = seen;
            }
        }
        let key = self.place(self.count).and_then(|own| self.ring.get(own));
        let bucket = key.map_or(0, |seen| self.bucket(seen.key));
        if let Some(newest) = self.buckets.get_mut(bucket) {
            *newest = self.count;
        }
    }

    /// Makes more buckets while the ring fills for the first time.
    fn widen(&mut self) {
        self.buckets = vec![0; (self.buckets.len() * 2).max(1024)];
        for (place, number) in (1..=self.count).enumerate() {
            let bucket = self.ring.get(place).map_or(0, |seen| self.bucket(seen.key));
            if let Some(newest) = self.buckets.get_mut(bucket)
                && let Some(seen) = self.ring.get_mut(place)
            {
                seen.before = std::mem::replace(newest, number);
            }
        }
    }
}

/// How far inside an address lies: global, shared by customers of a carrier
/// (RFC 6598), private.
fn depth(ip: IpAddr) -> u8 {
    let shared = matches!(ip, IpAddr::V4(ip) if matches!(ip.octets(), [100, 64..=127, ..]));
    match (is_private(ip), shared) {
        (false, _) => 0,
        (true, true) => 1,
        (true, false) => 2,
    }
}

/// Whether two sightings are one packet on both sides of a NAT. A NAT changes
/// one end; what changes both is a relay or a proxy.
fn translated(kind: Kind, before: Sighting, now: Sighting) -> Option<Pair> {
    let (a, b) = (before.flow, now.flow);
    if a.transport != b.transport {
        return None;
    }
    if kind == Kind::Unique
        && let Some(pair) = turned_back(before, now).or_else(|| turned_back(now, before))
    {
        return Some(pair);
    }
    let is_outbound = match (a.src == b.src, a.dst == b.dst) {
        (false, true) => true,
        (true, false) => false,
        _ => return None,
    };
    let end = |flow: Flow| -> Endpoint { if is_outbound { flow.src } else { flow.dst } };
    let (ends, ttls) = ((end(a), end(b)), (before.ttl, now.ttl));
    if ends.0.ip == ends.1.ip {
        return None;
    }
    let hops = match ttls {
        (Some(before), Some(now)) => i16::from(before) - i16::from(now),
        _ => 0,
    };
    let deeper = i16::from(depth(ends.0.ip)) - i16::from(depth(ends.1.ip));
    let apart = now.at.timestamp.since(before.at.timestamp).abs();
    if kind == Kind::Plain {
        let same = before.identification.filter(|id| *id != 0) == now.identification;
        if !same || hops == 0 || apart > AT_ONCE_NS || before.identification.is_none() {
            return None;
        }
    }
    // Upstream a packet has more hops left; it goes out from inside.
    let first_is_inside = if deeper != 0 {
        deeper > 0
    } else if hops != 0 {
        (hops > 0) == is_outbound
    } else {
        return None;
    };
    let (inside, outside) = if first_is_inside {
        (before, now)
    } else {
        (now, before)
    };
    Some(Pair {
        inside,
        outside,
        is_outbound,
    })
}

/// A packet to an outside address of its sender's own NAT comes back in from
/// there (RFC 4787, 6).
fn turned_back(out: Sighting, back: Sighting) -> Option<Pair> {
    let outside = out.flow.dst.ip;
    let is_inside = |ip: IpAddr| depth(ip) > depth(outside);
    let is_turned = back.flow.src.ip == outside
        && is_inside(out.flow.src.ip)
        && is_inside(back.flow.dst.ip)
        && back.flow.dst.ip != outside;
    is_turned.then_some(Pair {
        inside: out,
        outside: back,
        is_outbound: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Transport;
    use crate::time::Timestamp;

    fn sighting(src: &str, dst: &str, ttl: u8, ms: u64) -> Sighting {
        let endpoint = |text: &str| {
            let address: std::net::SocketAddr = text.parse().expect("an endpoint");
            Endpoint::new(address.ip(), address.port())
        };
        Sighting {
            at: PacketRef {
                timestamp: Timestamp::from_nanos(ms * 1_000_000),
                ..PacketRef::default()
            },
            flow: Flow {
                src: endpoint(src),
                dst: endpoint(dst),
                transport: Transport::Udp,
            },
            ttl: Some(ttl),
            identification: Some(7),
        }
    }

    #[test]
    fn packets_are_remembered_until_so_many_others_passed() {
        let inside = sighting("10.0.0.1:5", "198.51.100.1:6", 64, 0);
        let outside = sighting("203.0.113.1:9", "198.51.100.1:6", 63, 1);
        let check = |capacity: usize, others: u64, expected: bool| {
            let mut twins = Twins::new(capacity);
            let mut see = |key, sighting| twins.see(key, Kind::Unique, sighting).0.is_some();
            assert!(!see(7, inside));
            for other in 0..others {
                // Some of them fall into the same bucket.
                assert!(!see(7 + (other + 1) * 512, inside));
            }
            assert_eq!(see(7, outside), expected, "{capacity} {others}");
        };
        for capacity in [1, 2, 64, 5000] {
            check(capacity, capacity as u64 - 1, true);
            check(capacity, capacity as u64, false);
            check(capacity, 3 * capacity as u64, false);
        }
    }

    #[test]
    fn a_packet_is_looked_for_at_so_many_places() {
        let mut twins = Twins::new(100);
        let mut see = |src: &str| {
            let seen = sighting(src, "198.51.100.1:6", 64, 0);
            twins.see(1, Kind::Unique, seen).0.is_some()
        };
        for src in ["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "192.0.2.4:1"] {
            assert!(!see(src));
        }
        assert!(see("10.0.0.5:1"));
        assert_eq!(twins.ring.len(), MAX_PLACES);
    }

    #[test]
    fn one_end_changes_and_the_inside_is_known() {
        let check = |a: Sighting, b: Sighting, kind, expected: Option<(&str, &str, bool)>| {
            let pair = translated(kind, a, b);
            let told = pair.map(|pair| {
                let found = pair.translation();
                let ends = (found.inside.to_string(), found.outside.to_string());
                (ends.0, ends.1, pair.is_outbound)
            });
            let expected = expected.map(|(a, b, out)| (a.to_owned(), b.to_owned(), out));
            assert_eq!(told, expected);
        };
        let inside = sighting("10.0.0.1:5", "198.51.100.1:6", 64, 0);
        let outside = sighting("203.0.113.1:9", "198.51.100.1:6", 63, 1);
        let row = Some(("10.0.0.1:5", "203.0.113.1:9", true));
        check(inside, outside, Kind::Unique, row);
        check(outside, inside, Kind::Unique, row);
        check(inside, outside, Kind::Plain, row);
        // Private networks within one another: the hops tell.
        let middle = sighting("10.9.0.1:9", "198.51.100.1:6", 63, 1);
        let row = Some(("10.0.0.1:5", "10.9.0.1:9", true));
        check(middle, inside, Kind::Unique, row);
        let level = sighting("10.9.0.1:9", "198.51.100.1:6", 64, 1);
        check(level, inside, Kind::Unique, None);
        // Inbound.
        let came = sighting("198.51.100.1:6", "203.0.113.1:9", 64, 0);
        let passed = sighting("198.51.100.1:6", "10.0.0.1:5", 63, 0);
        let row = Some(("10.0.0.1:5", "203.0.113.1:9", false));
        check(came, passed, Kind::Unique, row);
        // A relay changes both ends; a redirection on one host is no NAT.
        let relayed = sighting("203.0.113.1:9", "198.51.100.7:6", 63, 1);
        check(inside, relayed, Kind::Unique, None);
        let moved = sighting("10.0.0.1:9", "198.51.100.1:6", 63, 1);
        check(inside, moved, Kind::Unique, None);
        // To a neighbour by its outside address, and back in.
        let out = sighting("10.0.0.1:5", "203.0.113.1:7", 64, 0);
        let back = sighting("203.0.113.1:9", "10.0.0.2:6", 63, 0);
        let row = Some(("10.0.0.1:5", "203.0.113.1:9", true));
        check(out, back, Kind::Unique, row);
        check(back, out, Kind::Unique, row);
        check(out, back, Kind::Plain, None);
        // Payloads that anybody may send.
        let late = sighting("203.0.113.1:9", "198.51.100.1:6", 63, 1001);
        check(inside, late, Kind::Plain, None);
        check(
            inside,
            late,
            Kind::Unique,
            Some(("10.0.0.1:5", "203.0.113.1:9", true)),
        );
        let same_hops = sighting("203.0.113.1:9", "198.51.100.1:6", 64, 1);
        check(inside, same_hops, Kind::Plain, None);
    }
}
