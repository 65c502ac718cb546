//! Probes against NATs and servers whose behaviour is known: emulated, seeded,
//! without sockets.

#![cfg(feature = "probe")]

use std::collections::BinaryHeap;
use std::net::IpAddr;

use sip_inspect::nat::behavior::Dependence;
use sip_inspect::nat::emulator::{Config as NatConfig, Nat};
use sip_inspect::nat::ports::Allocation;
use sip_inspect::net::Endpoint;
use sip_inspect::probe::nat::{Config, NatProbe};
use sip_inspect::probe::{Ending, Found, Ids, Input, Probe};
use sip_inspect::report::{Measurements, NatMeasurements};
use sip_inspect::serve::stun::{Addresses, answer};
use sip_inspect::stun::StunMessage;
use sip_inspect::time::{MILLISECOND, SECOND, Timestamp};

fn endpoint(text: &str) -> Endpoint {
    let address: std::net::SocketAddr = text.parse().expect("an endpoint");
    Endpoint::new(address.ip(), address.port())
}

/// What stands between the probe and the servers.
enum Between {
    Nothing,
    /// A firewall with this filter.
    Firewall(Nat),
    Nat(Nat),
    /// UDP goes nowhere.
    Blocked,
}

/// How a server departs from what it should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    None,
    /// It announces no other address.
    NoOther,
    /// It announces one that cannot be one.
    BadOther,
    /// It answers from where it was asked, whatever was wanted.
    IgnoresChange,
    /// It says nothing where a change is wanted.
    DropsChange,
    /// It names another origin than it answers from.
    WrongOrigin,
}

struct World {
    between: Between,
    servers: Vec<Addresses>,
    lie: Lie,
    loss_percent: u32,
    rng: fastrand::Rng,
    sent: u64,
}

const HOST: &str = "10.0.0.1";
/// One way through the network.
const HALF_TRIP: i64 = 20 * MILLISECOND;

/// Something on its way: when it arrives, and in which order it was sent.
type Arrival = std::cmp::Reverse<(Timestamp, u64, u16, Endpoint, Endpoint, Vec<u8>)>;

impl World {
    fn lost(&mut self) -> bool {
        self.rng.u32(0..100) < self.loss_percent
    }

    /// What the servers send back for one packet, at the host.
    fn exchange(
        &mut self,
        now: Timestamp,
        src: Endpoint,
        dst: Endpoint,
        octets: &[u8],
    ) -> Option<(Endpoint, Endpoint, Vec<u8>)> {
        let seen = match &mut self.between {
            Between::Blocked => return None,
            Between::Nothing => src,
            Between::Firewall(nat) => nat.outbound(now, src, dst)?,
            Between::Nat(nat) if nat.owns(dst.ip) => {
                let (from, to) = nat.hairpin(now, src, dst)?;
                return Some((from, to, octets.to_vec()));
            }
            Between::Nat(nat) => nat.outbound(now, src, dst)?,
        };
        if self.lost() {
            return None;
        }
        let server = self.servers.iter().find(|own| own.all().contains(&dst))?;
        let reply = if self.lie == Lie::None {
            answer(server, dst, seen, octets)?
        } else {
            self.dishonest(server, dst, seen, octets)?
        };
        if self.lost() {
            return None;
        }
        let back = now.offset(HALF_TRIP);
        let to = match &mut self.between {
            Between::Nat(nat) => nat.inbound(back, reply.from, reply.to)?,
            // A firewall is a NAT that changes nothing.
            Between::Firewall(nat) => nat.inbound(back, reply.from, reply.to)?,
            _ => reply.to,
        };
        Some((reply.from, to, reply.octets))
    }

    fn dishonest(
        &self,
        server: &Addresses,
        at: Endpoint,
        from: Endpoint,
        octets: &[u8],
    ) -> Option<sip_inspect::serve::stun::Reply> {
        let alone = Addresses {
            alternate: None,
            ..*server
        };
        let wants_change = StunMessage::parse(octets)?.wanted_change().is_some();
        match self.lie {
            Lie::None => answer(server, at, from, octets),
            Lie::NoOther => answer(&alone, at, from, octets),
            Lie::DropsChange if wants_change => None,
            Lie::DropsChange => answer(server, at, from, octets),
            Lie::BadOther => {
                let bad = Addresses {
                    alternate: Some(endpoint("192.168.9.9:3479")),
                    ..*server
                };
                answer(&bad, at, from, octets)
            }
            Lie::IgnoresChange => {
                let mut reply = answer(server, at, from, octets)?;
                reply.from = at;
                Some(reply)
            }
            Lie::WrongOrigin => {
                let mut reply = answer(server, at, from, octets)?;
                // As behind a NAT of the server's own.
                if reply.from == server.primary {
                    let inside = Addresses {
                        primary: endpoint("192.168.9.1:3478"),
                        alternate: server.alternate,
                    };
                    reply.octets = answer(&inside, inside.primary, from, octets)?.octets;
                }
                Some(reply)
            }
        }
    }

    /// Runs a probe to its end.
    fn run(&mut self, probe: &mut NatProbe) -> Found {
        let host: IpAddr = HOST.parse().expect("an address");
        let mut now = Timestamp::from_nanos(1_000_000_000_000);
        let mut arriving: BinaryHeap<Arrival> = BinaryHeap::new();
        let mut ports = std::collections::HashMap::new();
        probe.handle_timeout(now);
        loop {
            while let Some(transmit) = probe.poll_transmit() {
                self.sent += 1;
                assert!(self.sent < 2000, "a flood");
                let number = transmit.socket.number;
                let wanted = transmit.socket.port.unwrap_or(40_000 + number);
                ports.insert(wanted, number);
                let local = Endpoint::new(host, wanted);
                if transmit.socket.transport.is_stream() {
                    // A stream gets through what UDP does not.
                    let server = self.servers.iter().find(|own| own.primary == transmit.to);
                    let reply = server.and_then(|own| {
                        answer(
                            own,
                            transmit.to,
                            endpoint("203.0.113.9:99"),
                            &transmit.octets,
                        )
                    });
                    if let Some(reply) = reply {
                        arriving.push(std::cmp::Reverse((
                            now.offset(2 * HALF_TRIP),
                            self.sent,
                            number,
                            local,
                            reply.from,
                            reply.octets,
                        )));
                    }
                    continue;
                }
                if let Some((from, to, octets)) =
                    self.exchange(now, local, transmit.to, &transmit.octets)
                {
                    let at = now.offset(2 * HALF_TRIP);
                    let number = ports.get(&to.port).copied().expect("a socket");
                    arriving.push(std::cmp::Reverse((at, self.sent, number, to, from, octets)));
                }
            }
            let next = arriving.peek().map(|own| own.0.0);
            let Some(then) = [next, probe.poll_timeout()].into_iter().flatten().min() else {
                return probe.found();
            };
            now = then.max(now);
            if next == Some(then) {
                let std::cmp::Reverse((_, _, socket, local, from, octets)) =
                    arriving.pop().expect("one");
                probe.handle(
                    now,
                    Input::Received {
                        socket,
                        local,
                        from,
                        octets: &octets,
                    },
                );
            } else {
                probe.handle_timeout(now);
            }
        }
    }
}

fn server(number: u8) -> Addresses {
    let ip = |own| IpAddr::from([198, 51, 100, own]);
    Addresses {
        primary: Endpoint::new(ip(number), 3478),
        alternate: Some(Endpoint::new(ip(number + 1), 3479)),
    }
}

fn world(between: Between, seed: u64) -> World {
    World {
        between,
        servers: vec![server(1)],
        lie: Lie::None,
        loss_percent: 0,
        rng: fastrand::Rng::with_seed(seed),
        sent: 0,
    }
}

fn ask(world: &mut World, seed: u64, lifetime_s: u64) -> (Found, NatMeasurements) {
    let mut probe = NatProbe::new(Config {
        servers: world.servers.iter().map(|own| own.primary).collect(),
        lifetime_s,
        tcp: false,
        ids: Ids::Seeded(fastrand::Rng::with_seed(seed)),
        rng: fastrand::Rng::with_seed(seed ^ 7),
    });
    let found = world.run(&mut probe);
    let Measurements::Nat(own) = found.measurements.clone() else {
        panic!("a NAT");
    };
    (found, *own)
}

fn outside() -> IpAddr {
    IpAddr::from([203, 0, 113, 9])
}

/// All nine behaviours, with ports of each kind, with and without loss: the
/// right class or none, never another.
#[test]
fn behaviours_of_emulated_nats_come_out() {
    let (mut known, mut unknown) = (0, 0);
    for seed in 0..540_u64 {
        let pick = usize::try_from(seed % 9).expect("small");
        let (mapping, filtering) = (Dependence::ALL[pick / 3], Dependence::ALL[pick % 3]);
        let allocation = [
            Allocation::Preserving,
            Allocation::Sequential,
            Allocation::Random,
        ][usize::try_from(seed / 9 % 3).expect("small")];
        let hairpins = seed / 27 % 2 == 1;
        let config = NatConfig {
            allocation,
            hairpins,
            seed,
            filters_by_endpoint: seed % 5 == 4,
            lifetime_ns: if seed % 7 == 6 { 3 } else { 120 } * SECOND,
            ..NatConfig::of(mapping, filtering, outside())
        };
        let mut world = world(Between::Nat(Nat::new(config)), seed);
        world.loss_percent = [0, 0, 5, 20][usize::try_from(seed / 54 % 4).expect("small")];
        let (found, told) = ask(&mut world, seed, 0);
        let says = format!("seed {seed}: {found:#?}");
        assert_eq!(found.verdict, "nat", "{says}");
        for (value, truth) in [(&told.mapping, mapping), (&told.filtering, filtering)] {
            if value == "unknown" {
                unknown += 1;
                assert!(world.loss_percent > 0, "{says}");
            } else {
                known += 1;
                assert_eq!(value, truth.name(), "{says}");
            }
        }
        let truth = if hairpins { "yes" } else { "no" };
        let is_filtered = mapping != Dependence::Endpoint && filtering != Dependence::Endpoint;
        let may_not_be_known = world.loss_percent > 0 || is_filtered;
        let is_known = told.hairpinning != "unknown";
        assert!(is_known || may_not_be_known, "{says}");
        assert!(!is_known || told.hairpinning == truth, "{says}");
        let is_alike = told.allocation == allocation.name() || told.allocation == "unknown";
        assert!(is_alike, "{says}");
        assert_eq!(told.pooling, "paired", "{says}");
        let is_known = told.mapping != "unknown" && told.filtering != "unknown";
        let expected = if is_known {
            Ending::Done
        } else {
            Ending::Inconclusive
        };
        assert_eq!(found.ending, expected, "{says}");
        assert_eq!(told.toward.len(), if is_known { 9 } else { 0 });
        assert!(world.sent < 260, "{says}");
    }
    #[expect(clippy::print_stdout, reason = "shown with --nocapture")]
    {
        println!("{known} known, {unknown} not enough evidence");
    }
    assert!(unknown * 20 < known, "{known} {unknown}");
}

#[test]
fn no_nat_a_firewall_and_a_blocked_network_are_told_apart() {
    for seed in 0..20 {
        let (found, told) = ask(&mut world(Between::Nothing, seed), seed, 0);
        assert_eq!(
            (found.verdict.as_str(), found.ending),
            ("no-nat", Ending::Done)
        );
        assert_eq!(told.is_translated, Some(false));
        assert_eq!(told.nickname, None);
        for filtering in [Dependence::Address, Dependence::AddressAndPort] {
            let config = NatConfig {
                allocation: Allocation::Preserving,
                ..NatConfig::of(
                    Dependence::Endpoint,
                    filtering,
                    HOST.parse().expect("an address"),
                )
            };
            let mut world = world(Between::Firewall(Nat::new(config)), seed);
            world.loss_percent = if seed % 2 == 1 { 20 } else { 0 };
            let (found, told) = ask(&mut world, seed, 0);
            if told.filtering == "unknown" {
                assert!(world.loss_percent > 0, "{found:#?}");
            } else {
                assert_eq!(found.verdict, "firewall", "{found:#?}");
                assert_eq!(told.filtering, filtering.name(), "{found:#?}");
            }
            assert_eq!(told.mapping, "endpoint-independent");
        }
        let (found, _) = ask(&mut world(Between::Blocked, seed), seed, 0);
        assert_eq!(found.verdict, "udp-blocked");
        assert_eq!(found.ending, Ending::Done);
        let mut dead = world(Between::Blocked, seed);
        dead.servers[0].primary = endpoint("192.0.2.1:1");
        let mut probe = NatProbe::new(Config {
            servers: vec![endpoint("192.0.2.2:3478")],
            lifetime_s: 0,
            tcp: false,
            ids: Ids::Random,
            rng: fastrand::Rng::with_seed(seed),
        });
        assert_eq!(dead.run(&mut probe).ending, Ending::NoAnswer);
    }
}

/// Servers that lie cost verdicts; they make none wrong.
#[test]
fn servers_that_lie_make_no_verdict_wrong() {
    let lies = [
        Lie::NoOther,
        Lie::BadOther,
        Lie::IgnoresChange,
        Lie::DropsChange,
        Lie::WrongOrigin,
    ];
    let mut unknown = 0;
    for seed in 0..180_u64 {
        let pick = usize::try_from(seed % 9).expect("small");
        let (mapping, filtering) = (Dependence::ALL[pick / 3], Dependence::ALL[pick % 3]);
        for lie in lies {
            let config = NatConfig {
                seed,
                ..NatConfig::of(mapping, filtering, outside())
            };
            let mut world = world(Between::Nat(Nat::new(config)), seed);
            world.lie = lie;
            let (found, told) = ask(&mut world, seed, 0);
            // Where each port has a binding of its own, silence can't be told from
            // a filter.
            let is_undecidable = lie == Lie::DropsChange && mapping == Dependence::AddressAndPort;
            for (value, truth) in [(&told.mapping, mapping), (&told.filtering, filtering)] {
                let is_right = value == "unknown" || value == truth.name() || is_undecidable;
                assert!(is_right, "seed {seed} {lie:?} {truth:?}: {found:#?}");
                unknown += u32::from(value == "unknown");
            }
            assert!(
                told.filtering == "unknown" || is_undecidable,
                "{lie:?} {found:#?}"
            );
        }
    }
    assert!(unknown > 0);
}

/// Ordinary servers, without other addresses: several of them tell the mapping.
#[test]
fn several_ordinary_servers_tell_how_it_maps() {
    let two_ports = Addresses {
        primary: endpoint("198.51.100.1:443"),
        alternate: None,
    };
    let alone = |number| Addresses {
        alternate: None,
        ..server(number)
    };
    for (servers, decides) in [
        (vec![alone(1), alone(3)], false),
        (vec![alone(1), alone(3), two_ports], true),
        (vec![alone(1)], false),
    ] {
        for mapping in Dependence::ALL {
            let config = NatConfig::of(mapping, Dependence::AddressAndPort, outside());
            let mut world = world(Between::Nat(Nat::new(config)), 3);
            world.servers = servers.clone();
            let (found, told) = ask(&mut world, 3, 0);
            let is_enough = decides || (mapping == Dependence::Endpoint && servers.len() > 1);
            let expected = if is_enough { mapping.name() } else { "unknown" };
            assert_eq!(told.mapping, expected, "{found:#?}");
            let possible = told.mapping_values.iter().any(|own| own == mapping.name());
            assert!(possible, "{found:#?}");
            assert_eq!(told.filtering, "unknown");
            let ending = if is_enough {
                Ending::Done
            } else {
                Ending::Inconclusive
            };
            assert_eq!(found.ending, ending, "{found:#?}");
        }
    }
}

/// The next server is asked where the first is dead.
#[test]
fn a_dead_server_is_passed_over() {
    let config = NatConfig::of(Dependence::Endpoint, Dependence::Address, outside());
    let mut world = world(Between::Nat(Nat::new(config)), 1);
    let dead = endpoint("198.51.100.200:3478");
    let mut probe = NatProbe::new(Config {
        servers: vec![dead, server(1).primary],
        lifetime_s: 0,
        tcp: false,
        ids: Ids::Random,
        rng: fastrand::Rng::with_seed(1),
    });
    let found = world.run(&mut probe);
    let Measurements::Nat(told) = found.measurements else {
        panic!("a NAT");
    };
    assert_eq!(told.mapping, "endpoint-independent");
    assert_eq!(told.filtering, "address-dependent");
}

#[test]
fn lifetimes_lie_in_the_interval_that_is_told() {
    for (seed, lifetime) in (0_u64..).zip([3_u64, 8, 20, 30, 61, 119]) {
        for loss_percent in [0, 10] {
            let config = NatConfig {
                lifetime_ns: i64::try_from(lifetime).expect("small") * SECOND,
                seed,
                ..NatConfig::of(Dependence::Endpoint, Dependence::AddressAndPort, outside())
            };
            let mut world = world(Between::Nat(Nat::new(config)), seed);
            world.loss_percent = loss_percent;
            let (found, told) = ask(&mut world, seed, 180);
            let says = format!(
                "{lifetime}: {:?} {:?}",
                told.lifetime_at_least_s, told.lifetime_at_most_s
            );
            let least = told.lifetime_at_least_s.expect(&says);
            let most = told.lifetime_at_most_s.expect(&says);
            assert!(
                least <= lifetime && lifetime <= most,
                "{says} {:?}",
                found.ending
            );
            assert!(most - least <= lifetime.max(8), "{says}");
        }
    }
    // One that lives longer than is watched.
    let config = NatConfig::of(Dependence::Endpoint, Dependence::AddressAndPort, outside());
    let (_, told) = ask(&mut world(Between::Nat(Nat::new(config)), 1), 1, 60);
    assert_eq!(
        (told.lifetime_at_least_s, told.lifetime_at_most_s),
        (Some(60), None)
    );
}
