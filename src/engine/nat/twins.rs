//! The same packet on both sides of a NAT.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

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
            flow,
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
#[derive(Debug)]
pub(super) struct Twins {
    seen: HashMap<u64, SmallVec<[Sighting; 2]>, RandomState>,
    order: VecDeque<u64>,
    capacity: usize,
    hasher: RandomState,
}

/// Places at which one packet is looked for.
const MAX_PLACES: usize = 4;
/// A payload that anybody may send must pass at once.
const AT_ONCE_NS: i64 = SECOND;

impl Twins {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            seen: HashMap::default(),
            order: VecDeque::new(),
            capacity,
            hasher: RandomState::default(),
        }
    }

    pub(super) fn bytes_held(&self) -> usize {
        self.seen.len() * (size_of::<SmallVec<[Sighting; 2]>>() + 24)
    }

    pub(super) fn digest(&self, what: impl Hash) -> u64 {
        self.hasher.hash_one(what)
    }

    /// A packet was seen; hands back what it is the translation of, and whether
    /// it is one that a router passed on as it was.
    pub(super) fn see(&mut self, key: u64, kind: Kind, now: Sighting) -> (Option<Pair>, bool) {
        if !self.seen.contains_key(&key) {
            if self.order.len() >= self.capacity
                && let Some(oldest) = self.order.pop_front()
            {
                self.seen.remove(&oldest);
            }
            self.order.push_back(key);
        }
        let places = self.seen.entry(key).or_default();
        if let Some(known) = places.iter_mut().find(|own| own.flow == now.flow) {
            let hops = known.ttl.zip(now.ttl).filter(|(then, now)| then != now);
            let is_passed = hops.is_some() && known.at.timestamp != now.at.timestamp;
            // Sent again, or captured again; each place counts once.
            if known.at.capture_point == now.at.capture_point {
                *known = now;
            }
            let pair = places
                .iter()
                .rev()
                .find_map(|before| translated(kind, *before, now));
            return (pair, is_passed);
        }
        let pair = places
            .iter()
            .rev()
            .find_map(|before| translated(kind, *before, now));
        if places.len() < MAX_PLACES {
            places.push(now);
        }
        (pair, false)
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
