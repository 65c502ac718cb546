//! A NAT in memory (RFC 4787): seeded, without files, sockets or clocks.
//!
//! Predictions run on it, and tests drive traffic through it whose truth is
//! known.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::behavior::Dependence;
use super::ports::Allocation;
use crate::net::Endpoint;
use crate::time::{SECOND, Timestamp};

/// How it behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// On what a mapping depends.
    pub mapping: Dependence,
    /// On what the filter depends.
    pub filtering: Dependence,
    /// How outside ports are picked.
    pub allocation: Allocation,
    /// Whether even ports stay even and odd ones odd (RFC 4787, REQ-4).
    pub keeps_parity: bool,
    /// Its outside addresses.
    pub outside: Vec<IpAddr>,
    /// Whether a host keeps one of them (RFC 4787, REQ-2).
    pub is_paired: bool,
    /// Whether hosts inside reach each other by outside addresses (REQ-9).
    pub hairpins: bool,
    /// How long a mapping lives without a packet going out.
    pub lifetime_ns: i64,
    /// Whether packets that come in keep it alive too (REQ-6).
    pub refreshes_inbound: bool,
    /// Whether the filter knows endpoints, as RFC 4787 has it, or each mapping
    /// by itself, as is usual.
    pub filters_by_endpoint: bool,
    /// Whether answers go out by the mapping that a packet came in by, whatever
    /// the mapping would be otherwise, as connection tracking does.
    pub follows_sessions: bool,
    /// What picks are made from.
    pub seed: u64,
}

impl Config {
    /// A NAT of these behaviours, and else the usual ones.
    #[must_use]
    pub fn of(mapping: Dependence, filtering: Dependence, outside: IpAddr) -> Self {
        Self {
            mapping,
            filtering,
            allocation: Allocation::Random,
            keeps_parity: false,
            outside: vec![outside],
            is_paired: true,
            hairpins: false,
            lifetime_ns: 120 * SECOND,
            refreshes_inbound: false,
            filters_by_endpoint: false,
            follows_sessions: false,
            seed: 1,
        }
    }
}

/// What of a remote a mapping is for.
type Toward = (Option<IpAddr>, Option<u16>);

#[derive(Clone, Debug)]
struct Mapping {
    inside: Endpoint,
    toward: Toward,
    outside: Endpoint,
    last: Timestamp,
    /// To whom packets went by it.
    sent_to: BTreeSet<Endpoint>,
}

/// A NAT at work.
#[derive(Clone, Debug)]
pub struct Nat {
    config: Config,
    mappings: Vec<Mapping>,
    /// Mappings that packets came in by, by inside endpoint and remote.
    sessions: BTreeMap<(Endpoint, Endpoint), Endpoint>,
    state: u64,
    next_port: u16,
}

/// Outside ports are picked from here on.
const FIRST_PORT: u16 = 20_000;
const LAST_PORT: u16 = 59_999;

impl Nat {
    /// A NAT without mappings.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let state = config.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut nat = Self {
            config,
            mappings: Vec::new(),
            sessions: BTreeMap::new(),
            state,
            next_port: FIRST_PORT,
        };
        let offset = nat.random(u64::from(LAST_PORT - FIRST_PORT) / 2);
        nat.next_port = FIRST_PORT.saturating_add(u16::try_from(offset).unwrap_or(0));
        nat
    }

    /// How it behaves.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// A number below `bound` (xorshift64*).
    fn random(&mut self, bound: u64) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % bound.max(1)
    }

    fn expire(&mut self, now: Timestamp) {
        let lifetime = self.config.lifetime_ns;
        self.mappings
            .retain(|mapping| now.since(mapping.last) <= lifetime);
        let live: BTreeSet<Endpoint> = self.mappings.iter().map(|own| own.outside).collect();
        self.sessions.retain(|_, outside| live.contains(outside));
    }

    /// A packet goes out: its source as the remote sees it.
    pub fn outbound(&mut self, now: Timestamp, src: Endpoint, dst: Endpoint) -> Option<Endpoint> {
        self.expire(now);
        let followed = self.sessions.get(&(src, dst)).copied();
        let toward = match self.config.mapping {
            Dependence::Endpoint => (None, None),
            Dependence::Address => (Some(dst.ip), None),
            Dependence::AddressAndPort => (Some(dst.ip), Some(dst.port)),
        };
        let known = self.mappings.iter_mut().find(|own| {
            own.inside == src
                && match followed {
                    Some(outside) => own.outside == outside,
                    None => own.toward == toward,
                }
        });
        if let Some(mapping) = known {
            mapping.last = now;
            mapping.sent_to.insert(dst);
            return Some(mapping.outside);
        }
        let outside = self.allocate(src)?;
        self.mappings.push(Mapping {
            inside: src,
            toward,
            outside,
            last: now,
            sent_to: BTreeSet::from([dst]),
        });
        Some(outside)
    }

    fn allocate(&mut self, src: Endpoint) -> Option<Endpoint> {
        let count = u64::try_from(self.config.outside.len()).unwrap_or(1);
        let used = self
            .mappings
            .iter()
            .find(|own| own.inside.ip == src.ip && self.config.is_paired)
            .map(|own| own.outside.ip);
        let ip = match used {
            Some(ip) => ip,
            None => {
                let pick = usize::try_from(self.random(count)).unwrap_or(0);
                *self.config.outside.get(pick)?
            }
        };
        let free = |nat: &Self, port: u16| {
            let wanted = Endpoint::new(ip, port);
            (!nat.config.keeps_parity || port % 2 == src.port % 2)
                && !nat.mappings.iter().any(|own| own.outside == wanted)
        };
        if self.config.allocation == Allocation::Preserving && free(self, src.port) {
            return Some(Endpoint::new(ip, src.port));
        }
        for _ in 0..4096 {
            let port = if self.config.allocation == Allocation::Sequential {
                let port = self.next_port;
                self.next_port = if port >= LAST_PORT {
                    FIRST_PORT
                } else {
                    port + 1
                };
                port
            } else {
                let offset = self.random(u64::from(LAST_PORT - FIRST_PORT));
                FIRST_PORT.saturating_add(u16::try_from(offset).unwrap_or(0))
            };
            if free(self, port) {
                return Some(Endpoint::new(ip, port));
            }
        }
        None
    }

    /// A packet comes in: where it goes inside, if it is let in.
    pub fn inbound(&mut self, now: Timestamp, src: Endpoint, dst: Endpoint) -> Option<Endpoint> {
        self.expire(now);
        let place = self.mappings.iter().position(|own| own.outside == dst)?;
        let inside = self.mappings.get(place)?.inside;
        let knows = |own: &Mapping| match self.config.filtering {
            Dependence::Endpoint => true,
            Dependence::Address => own.sent_to.iter().any(|to| to.ip == src.ip),
            Dependence::AddressAndPort => own.sent_to.contains(&src),
        };
        let is_let_in = if self.config.filters_by_endpoint {
            self.mappings
                .iter()
                .any(|own| own.inside == inside && knows(own))
        } else {
            self.mappings.get(place).is_some_and(knows)
        };
        if !is_let_in {
            return None;
        }
        let (refreshes, follows) = (self.config.refreshes_inbound, self.config.follows_sessions);
        let mapping = self.mappings.get_mut(place)?;
        if refreshes {
            mapping.last = now;
        }
        if follows {
            self.sessions.entry((inside, src)).or_insert(dst);
        }
        Some(inside)
    }

    /// A packet from inside to one of its own outside addresses: its source and
    /// destination as they arrive, if it turns back (RFC 4787, 6).
    pub fn hairpin(
        &mut self,
        now: Timestamp,
        src: Endpoint,
        dst: Endpoint,
    ) -> Option<(Endpoint, Endpoint)> {
        if !self.config.hairpins {
            return None;
        }
        let outside = self.outbound(now, src, dst)?;
        Some((outside, self.inbound(now, outside, dst)?))
    }

    /// Whether an address is one of its outside ones.
    #[must_use]
    pub fn owns(&self, ip: IpAddr) -> bool {
        self.config.outside.contains(&ip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        let address: std::net::SocketAddr = text.parse().expect("an endpoint");
        Endpoint::new(address.ip(), address.port())
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn mappings_depend_on_what_they_should() {
        let inside = endpoint("10.0.0.1:5060");
        let remotes = ["198.51.100.1:1", "198.51.100.1:2", "198.51.100.2:1"].map(endpoint);
        for (mapping, distinct) in Dependence::ALL.into_iter().zip([1, 2, 3]) {
            let outside = "203.0.113.1".parse().expect("an address");
            let mut nat = Nat::new(Config::of(mapping, Dependence::Endpoint, outside));
            let seen: BTreeSet<_> = remotes
                .iter()
                .map(|remote| nat.outbound(at(0), inside, *remote))
                .collect();
            assert_eq!(seen.len(), distinct, "{mapping:?}");
        }
    }

    #[test]
    fn filters_depend_on_what_they_should() {
        let inside = endpoint("10.0.0.1:5060");
        let others = ["198.51.100.1:1", "198.51.100.1:2", "198.51.100.2:1"].map(endpoint);
        for (filtering, let_in) in Dependence::ALL.into_iter().zip([3, 2, 1]) {
            let outside = "203.0.113.1".parse().expect("an address");
            let mut nat = Nat::new(Config::of(Dependence::Endpoint, filtering, outside));
            let seen = nat.outbound(at(0), inside, others[0]).expect("a port");
            let passed = others
                .iter()
                .filter(|from| nat.inbound(at(1), **from, seen) == Some(inside));
            assert_eq!(passed.count(), let_in, "{filtering:?}");
        }
    }

    #[test]
    fn a_mapping_lives_as_long_as_packets_go_out() {
        let (inside, remote) = (endpoint("10.0.0.1:5060"), endpoint("198.51.100.1:1"));
        let check = |refreshes, at_50: bool, at_70: bool| {
            let outside = "203.0.113.1".parse().expect("an address");
            let config = Config {
                lifetime_ns: 30 * SECOND,
                refreshes_inbound: refreshes,
                ..Config::of(Dependence::Endpoint, Dependence::Endpoint, outside)
            };
            let mut nat = Nat::new(config);
            let seen = nat.outbound(at(0), inside, remote).expect("a port");
            assert_eq!(nat.inbound(at(30), remote, seen), Some(inside));
            assert_eq!(nat.inbound(at(50), remote, seen).is_some(), at_50);
            assert_eq!(nat.inbound(at(70), remote, seen).is_some(), at_70);
        };
        check(false, false, false);
        check(true, true, true);
    }

    #[test]
    fn ports_are_picked_as_told() {
        let outside: IpAddr = "203.0.113.1".parse().expect("an address");
        let remote = endpoint("198.51.100.1:1");
        let picks = |allocation, keeps_parity| -> Vec<u16> {
            let mut nat = Nat::new(Config {
                allocation,
                keeps_parity,
                ..Config::of(Dependence::Endpoint, Dependence::Endpoint, outside)
            });
            (0..6)
                .map(|step| {
                    let inside = Endpoint::new("10.0.0.1".parse().expect("one"), 4000 + step);
                    nat.outbound(at(0), inside, remote).expect("a port").port
                })
                .collect()
        };
        assert_eq!(
            picks(Allocation::Preserving, false),
            [4000, 4001, 4002, 4003, 4004, 4005]
        );
        let steps = picks(Allocation::Sequential, false);
        assert!(
            steps.windows(2).all(|pair| pair[1] == pair[0] + 1),
            "{steps:?}"
        );
        let parity: Vec<u16> = picks(Allocation::Random, true)
            .iter()
            .map(|own| own % 2)
            .collect();
        assert_eq!(parity, [0, 1, 0, 1, 0, 1]);
        // A port that is taken is not given twice.
        let mut nat = Nat::new(Config {
            allocation: Allocation::Preserving,
            ..Config::of(Dependence::Endpoint, Dependence::Endpoint, outside)
        });
        let first = nat.outbound(at(0), endpoint("10.0.0.1:5060"), remote);
        let second = nat.outbound(at(0), endpoint("10.0.0.2:5060"), remote);
        assert_eq!(first.map(|own| own.port), Some(5060));
        assert!(second.is_some_and(|own| own.port != 5060));
    }

    #[test]
    fn hairpins_only_where_told() {
        let outside: IpAddr = "203.0.113.1".parse().expect("an address");
        let (a, b) = (endpoint("10.0.0.1:5060"), endpoint("10.0.0.2:5062"));
        for hairpins in [false, true] {
            let mut nat = Nat::new(Config {
                hairpins,
                ..Config::of(Dependence::Endpoint, Dependence::Endpoint, outside)
            });
            let seen = nat
                .outbound(at(0), b, endpoint("198.51.100.1:1"))
                .expect("a port");
            let turned = nat.hairpin(at(0), a, seen);
            assert_eq!(turned.map(|(_, to)| to), hairpins.then_some(b));
            if let Some((from, _)) = turned {
                assert!(nat.owns(from.ip));
            }
        }
    }
}
