//! How a NAT picks outside ports and addresses (RFC 4787, 4.1 to 4.3; RFC 7857).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::device::{Device, shows_mapping};
use crate::engine::nat::Binding;
use crate::net::{Endpoint, Transport};
use crate::time::SECOND;

/// Bindings that are made so close in time stand together; later the host may
/// be given another address.
const AT_ONCE_NS: i64 = 10 * SECOND;

/// How ports follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// The inside port is kept.
    Preserving,
    /// Each is a little higher than the one before.
    Sequential,
    /// There is no order in them (RFC 6056).
    Random,
}

impl Allocation {
    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preserving => "port-preserving",
            Self::Sequential => "sequential",
            Self::Random => "random",
        }
    }
}

/// What the outside ports of a device have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Ports {
    /// Sockets inside that were looked at.
    pub sockets: usize,
    /// How they are picked; `None` where it can't be said.
    pub allocation: Option<Allocation>,
    /// The share of sockets whose port is kept.
    pub preserved: f64,
    /// Whether even stays even and odd stays odd; `None` below four sockets
    /// whose port is not kept.
    pub parity: Option<bool>,
    /// Whether neighbours stay neighbours (RTP and RTCP); `None` without any.
    pub contiguity: Option<bool>,
    /// Whether two hosts share one outside port toward different remotes (RFC
    /// 4787, REQ-3).
    pub overloading: bool,
}

/// Sockets before anything is said.
const ENOUGH: usize = 4;
/// The usual step of a NAT that counts.
const STEP: i32 = 4;

/// What the first binding of each socket shows.
#[must_use]
pub fn ports(device: &Device<'_>) -> Option<Ports> {
    let mut first: BTreeMap<Endpoint, &Binding> = BTreeMap::new();
    let mut seen: Vec<&Binding> = Vec::new();
    let mut holders: BTreeMap<Endpoint, BTreeSet<IpAddr>> = BTreeMap::new();
    let measured = device
        .bindings
        .iter()
        .filter(|own| shows_mapping(own) && own.transport == Transport::Udp);
    for binding in measured {
        first.entry(binding.inside).or_insert(binding);
        if !holders.contains_key(&binding.outside) {
            seen.push(binding);
        }
        let inside = holders.entry(binding.outside).or_default();
        inside.insert(binding.inside.ip);
    }
    if first.is_empty() {
        return None;
    }
    let pairs: Vec<(u16, u16)> = {
        let mut in_time: Vec<&&Binding> = first.values().collect();
        in_time.sort_by_key(|own| (own.first.timestamp, own.first.number));
        in_time
            .iter()
            .map(|own| (own.inside.port, own.outside.port))
            .collect()
    };
    seen.sort_by_key(|own| (own.first.timestamp, own.first.number));
    let outside: Vec<u16> = seen.iter().map(|own| own.outside.port).collect();
    let mut neighbours = first.iter().filter_map(|(inside, binding)| {
        let next = first.get(&Endpoint::new(inside.ip, inside.port.checked_add(1)?))?;
        stay_neighbours(
            (inside.port, binding.outside.port),
            (next.inside.port, next.outside.port),
        )
    });
    let contiguity = neighbours
        .next()
        .map(|first| first && neighbours.all(|own| own));
    let overloading = holders.values().any(|hosts| hosts.len() > 1);
    Some(Ports {
        contiguity,
        overloading,
        ..Ports::of(&pairs, &outside)
    })
}

/// Whether an even port and the next one stay that way outside; `None` for
/// others, and where the even one is kept.
fn stay_neighbours(even: (u16, u16), next: (u16, u16)) -> Option<bool> {
    let is_pair = even.0.is_multiple_of(2) && even.0.checked_add(1) == Some(next.0);
    (is_pair && even.0 != even.1).then(|| even.1.checked_add(1) == Some(next.1))
}

impl Ports {
    /// What sockets of one host show, by the pairs of their ports inside and
    /// outside, in the order in which they were opened.
    #[must_use]
    pub fn of_sockets(pairs: &[(u16, u16)]) -> Self {
        let outside: Vec<u16> = pairs.iter().map(|(_, outside)| *outside).collect();
        let mut neighbours = pairs.windows(2).filter_map(|pair| match pair {
            [even, next] => stay_neighbours(*even, *next),
            _ => None,
        });
        let contiguity = neighbours
            .next()
            .map(|first| first && neighbours.all(|own| own));
        Self {
            contiguity,
            ..Self::of(pairs, &outside)
        }
    }

    fn of(pairs: &[(u16, u16)], outside: &[u16]) -> Self {
        let kept = pairs.iter().filter(|(inside, outside)| inside == outside);
        let kept = kept.count();
        let moved: Vec<(u16, u16)> = pairs
            .iter()
            .copied()
            .filter(|(inside, outside)| inside != outside)
            .collect();
        let parity = (moved.len() >= ENOUGH).then(|| {
            moved
                .iter()
                .all(|(inside, outside)| inside % 2 == outside % 2)
        });
        #[expect(clippy::cast_precision_loss, reason = "sockets are few")]
        let preserved = kept as f64 / pairs.len().max(1) as f64;
        Self {
            sockets: pairs.len(),
            allocation: allocation(pairs, &moved, outside),
            preserved,
            parity,
            contiguity: None,
            overloading: false,
        }
    }
}

/// By the pairs of each socket and the outside ports in the order in which they
/// were first seen.
fn allocation(pairs: &[(u16, u16)], moved: &[(u16, u16)], outside: &[u16]) -> Option<Allocation> {
    if pairs.len() < ENOUGH {
        return None;
    }
    // Where the port is taken, even a NAT that keeps it must pick another.
    if moved.len() * 4 <= pairs.len() {
        return Some(Allocation::Preserving);
    }
    let steps: Vec<i32> = outside
        .windows(2)
        .filter_map(|pair| match pair {
            [before, after] => Some(i32::from(*after) - i32::from(*before)),
            _ => None,
        })
        .collect();
    let count =
        |of: std::ops::RangeInclusive<i32>| steps.iter().filter(|step| of.contains(step)).count();
    if count(1..=STEP) * 4 >= steps.len() * 3 {
        return Some(Allocation::Sequential);
    }
    // Others may take ports between those that were seen: one that counts still
    // goes up all the time.
    let up = count(1..=i32::MAX);
    let is_mixed = up * 5 >= steps.len() && up * 5 <= steps.len() * 4;
    (moved.len() == pairs.len() && is_mixed && steps.len() >= ENOUGH).then_some(Allocation::Random)
}

/// A host inside that had two outside addresses at one time (RFC 4787, REQ-2).
#[must_use]
pub fn pooling<'a>(device: &Device<'a>) -> Option<(&'a Binding, &'a Binding)> {
    let measured: Vec<&&Binding> = device
        .bindings
        .iter()
        .filter(|own| shows_mapping(own) && own.transport == Transport::Udp)
        .collect();
    measured.iter().enumerate().find_map(|(place, a)| {
        let other = measured.iter().skip(place + 1).find(|b| {
            let apart = a.first.timestamp.since(b.first.timestamp).abs();
            a.inside.ip == b.inside.ip && a.outside.ip != b.outside.ip && apart < AT_ONCE_NS
        });
        other.map(|b| (**a, **b))
    })
}
