//! How a NAT behaves, found out with a STUN server (RFC 5780), or with several
//! ordinary ones.
//!
//! Sockets are fresh, and each serves one purpose: what one test opens must not
//! answer another. Filters are tested before anything is sent to the server's
//! other address. That nothing comes means something only where a control shows
//! that it could have come.

mod lifetime;
mod verdict;

use self::lifetime::Lifetime;
use super::client::{ASKING, Client, Ids, RULING_OUT, first_port};
use super::{Carrier, Found, Input, Probe, Socket, Transmit};
use crate::net::{Endpoint, is_private};
use crate::stun::build::{Told, Wanted, binding_success};
use crate::stun::{Class, StunMessage};
use crate::time::Timestamp;

/// What is to be found out.
#[derive(Debug)]
pub struct Config {
    /// Servers, the first that answers leads.
    pub servers: Vec<Endpoint>,
    /// How long bindings are watched at most, in seconds; none are when zero.
    pub lifetime_s: u64,
    /// Whether the mapping of TCP is looked at as well.
    pub tcp: bool,
    /// Where transactions come from.
    pub ids: Ids,
    /// What ports are picked from.
    pub rng: fastrand::Rng,
}

/// Sockets that show how ports are picked.
const PORTS: u16 = 12;
/// More than fits one packet, with its header (RFC 5780, 7.6).
const PADDING: u16 = 1500;

/// Numbers of sockets.
mod socket {
    pub(super) const FILTER_BOTH: u16 = 0;
    pub(super) const FILTER_PORT: u16 = 1;
    pub(super) const MAPPING: u16 = 2;
    pub(super) const PADDING: u16 = 3;
    pub(super) const HAIRPIN: [u16; 2] = [4, 5];
    pub(super) const TCP: u16 = 10;
    pub(super) const TCP_MAPPING: u16 = 50;
    pub(super) const PORTS: u16 = 100;
    pub(super) const LIFETIME: u16 = 200;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Start,
    /// Which server answers.
    Reach,
    /// Over TCP, since none does over UDP.
    ReachTcp,
    /// What is let in.
    Filter,
    /// How it maps.
    Map,
    /// The same again: what held must still hold.
    Control,
    /// How ports are picked; fragments; the ends of the hairpin.
    Ports,
    Hairpin,
    /// How it maps TCP: from one port, to several servers.
    MapTcp,
    Lifetime,
    Over,
}

/// Exchanges by what they are for.
#[derive(Debug, Default)]
struct Asked {
    reach: Vec<usize>,
    tcp: Vec<usize>,
    tcp_mapping: Vec<usize>,
    /// From another address and port.
    change_both: Option<usize>,
    /// From another port.
    change_port: Option<usize>,
    mapping: Vec<usize>,
    again: Option<usize>,
    /// The sockets of the filter tests still hear the server.
    still_heard: Vec<usize>,
    /// From the socket that has sent everywhere, which every filter lets answers
    /// in to: both changed, and the port alone.
    honesty: Vec<usize>,
    ports: Vec<usize>,
    padding: Option<usize>,
    /// How the two ends of the hairpin are seen outside.
    hairpin_ends: Vec<usize>,
    /// From each end to the other as it is seen.
    hairpin: Vec<usize>,
}

/// A request of the probe's own that came back in.
#[derive(Clone, Copy, Debug)]
struct TurnedBack {
    /// Which end it came to.
    end: usize,
    /// From where it seemed to come.
    from: Endpoint,
}

/// The probe.
#[derive(Debug)]
pub struct NatProbe {
    servers: Vec<Endpoint>,
    client: Client,
    stage: Stage,
    /// Exchanges that the stage waits for.
    pending: Vec<usize>,
    asked: Asked,
    primary: Option<Endpoint>,
    other: Option<Endpoint>,
    turned_back: Option<TurnedBack>,
    lifetime: Option<Lifetime>,
    lifetime_s: u64,
    wants_tcp: bool,
    first_port: u16,
}

impl NatProbe {
    /// A probe that has sent nothing.
    #[must_use]
    pub fn new(mut config: Config) -> Self {
        let mut servers = Vec::new();
        for server in config.servers {
            if !servers.contains(&server) {
                servers.push(server);
            }
        }
        Self {
            servers,
            client: Client::new(config.ids),
            stage: Stage::Start,
            pending: Vec::new(),
            asked: Asked::default(),
            primary: None,
            other: None,
            turned_back: None,
            lifetime: None,
            lifetime_s: config.lifetime_s,
            wants_tcp: config.tcp,
            first_port: first_port(&mut config.rng),
        }
    }

    fn udp(number: u16, port: Option<u16>) -> Socket {
        Socket {
            port,
            ..Socket::new(number, Carrier::Udp)
        }
    }

    fn ask(&mut self, now: Timestamp, number: u16, to: Endpoint, wanted: Wanted) -> usize {
        let schedule = match wanted.change {
            Some(_) => RULING_OUT,
            None => ASKING,
        };
        let socket = Self::udp(number, None);
        let exchange = self.client.ask(now, socket, to, wanted, schedule);
        self.pending.push(exchange);
        exchange
    }

    /// Goes on as long as nothing is waited for.
    fn advance(&mut self, now: Timestamp) {
        while self.stage != Stage::Over && self.is_idle() {
            self.pending.clear();
            self.stage = match self.stage {
                Stage::Start => self.reach(now, 0),
                Stage::Reach => self.reached(now),
                Stage::ReachTcp => Stage::Over,
                Stage::Filter => self.map(now),
                Stage::Map => self.control(now),
                Stage::Control => self.ports(now),
                Stage::Ports => self.hairpin(now),
                Stage::Hairpin => self.map_tcp(now),
                Stage::MapTcp => self.live(now),
                Stage::Lifetime | Stage::Over => Stage::Over,
            };
        }
    }

    fn is_idle(&self) -> bool {
        let waits = self.stage == Stage::Lifetime
            && (self.lifetime.as_ref()).is_some_and(|own| !own.is_over(&self.client));
        !waits && self.pending.iter().all(|own| self.client.is_over(*own))
    }

    fn reach(&mut self, now: Timestamp, place: usize) -> Stage {
        let Some(server) = self.servers.get(place).copied() else {
            // Some networks let TCP alone through.
            for (number, server) in (socket::TCP..).zip(self.servers.clone()) {
                let socket = Socket::new(number, Carrier::Tcp);
                let exchange = self
                    .client
                    .ask(now, socket, server, Wanted::default(), ASKING);
                self.asked.tcp.push(exchange);
                self.pending.push(exchange);
            }
            return Stage::ReachTcp;
        };
        let exchange = self.ask(now, socket::FILTER_BOTH, server, Wanted::default());
        self.asked.reach.push(exchange);
        Stage::Reach
    }

    fn reached(&mut self, now: Timestamp) -> Stage {
        let last = self.asked.reach.last().copied();
        let answer = last.and_then(|own| self.client.answer(own)).cloned();
        let Some((answer, primary)) =
            answer.zip(last.and_then(|own| Some(self.client.get(own)?.to)))
        else {
            return self.reach(now, self.asked.reach.len());
        };
        self.primary = Some(primary);
        self.other = answer.other.filter(|other| {
            is_other(primary, *other) && answer.origin.is_none_or(|origin| origin == primary)
        });
        if self.other.is_none() {
            return self.map(now);
        }
        let both = Wanted {
            change: Some((true, true)),
            ..Wanted::default()
        };
        let port = Wanted {
            change: Some((false, true)),
            ..Wanted::default()
        };
        self.asked.change_both = Some(self.ask(now, socket::FILTER_BOTH, primary, both));
        self.asked.change_port = Some(self.ask(now, socket::FILTER_PORT, primary, port));
        Stage::Filter
    }

    /// All at once: bindings may live for a moment only.
    fn map(&mut self, now: Timestamp) -> Stage {
        let Some(primary) = self.primary else {
            return Stage::Over;
        };
        for target in self.targets(primary) {
            let exchange = self.ask(now, socket::MAPPING, target, Wanted::default());
            self.asked.mapping.push(exchange);
        }
        Stage::Map
    }

    fn control(&mut self, now: Timestamp) -> Stage {
        let Some(primary) = self.primary else {
            return Stage::Over;
        };
        let plain = Wanted::default();
        self.asked.again = Some(self.ask(now, socket::MAPPING, primary, plain));
        if self.other.is_some() {
            for number in [socket::FILTER_BOTH, socket::FILTER_PORT] {
                let exchange = self.ask(now, number, primary, plain);
                self.asked.still_heard.push(exchange);
            }
            for change in [(true, true), (false, true)] {
                let wanted = Wanted {
                    change: Some(change),
                    ..plain
                };
                let exchange = self.ask(now, socket::MAPPING, primary, wanted);
                self.asked.honesty.push(exchange);
            }
        }
        Stage::Control
    }

    fn ports(&mut self, now: Timestamp) -> Stage {
        let Some(primary) = self.primary else {
            return Stage::Over;
        };
        for place in 0..PORTS {
            let port = self.first_port.saturating_add(place);
            let socket = Self::udp(socket::PORTS.saturating_add(place), Some(port));
            let exchange = self
                .client
                .ask(now, socket, primary, Wanted::default(), ASKING);
            self.asked.ports.push(exchange);
            self.pending.push(exchange);
        }
        let padded = Wanted {
            padding: Some(PADDING),
            ..Wanted::default()
        };
        self.asked.padding = Some(self.ask(now, socket::PADDING, primary, padded));
        if self.is_translated() == Some(true) {
            for number in socket::HAIRPIN {
                let exchange = self.ask(now, number, primary, Wanted::default());
                self.asked.hairpin_ends.push(exchange);
            }
        }
        Stage::Ports
    }

    fn hairpin(&mut self, now: Timestamp) -> Stage {
        let ends: Vec<Endpoint> = (self.asked.hairpin_ends.iter())
            .filter_map(|own| self.client.answer(*own)?.mapped)
            .collect();
        // Both send, so that each opens its filter for the other.
        let [first, second] = ends[..] else {
            return self.map_tcp(now);
        };
        for (number, outside) in socket::HAIRPIN.into_iter().zip([second, first]) {
            let socket = Self::udp(number, None);
            let exchange = self
                .client
                .ask(now, socket, outside, Wanted::default(), RULING_OUT);
            self.asked.hairpin.push(exchange);
            self.pending.push(exchange);
        }
        Stage::Hairpin
    }

    /// Where one is told from another: primary and alternate, or several servers.
    fn targets(&self, primary: Endpoint) -> Vec<Endpoint> {
        match self.other {
            Some(other) => vec![
                primary,
                Endpoint::new(other.ip, primary.port),
                other,
                Endpoint::new(primary.ip, other.port),
            ],
            None => {
                let others = self.servers.iter().filter(|own| **own != primary);
                std::iter::once(&primary).chain(others).copied().collect()
            }
        }
    }

    fn map_tcp(&mut self, now: Timestamp) -> Stage {
        let Some(primary) = self.primary.filter(|_| self.wants_tcp) else {
            return self.live(now);
        };
        // Connections from one port to several servers are several sockets.
        let port = self.first_port.saturating_add(PORTS);
        for (number, target) in (socket::TCP_MAPPING..).zip(self.targets(primary)) {
            let socket = Socket {
                port: Some(port),
                ..Socket::new(number, Carrier::Tcp)
            };
            let wanted = Wanted::default();
            let exchange = self.client.ask(now, socket, target, wanted, ASKING);
            self.asked.tcp_mapping.push(exchange);
            self.pending.push(exchange);
        }
        Stage::MapTcp
    }

    fn live(&mut self, now: Timestamp) -> Stage {
        let Some(primary) = self.primary.filter(|_| self.lifetime_s > 0) else {
            return Stage::Over;
        };
        let mut lifetime = Lifetime::new(primary, self.lifetime_s, socket::LIFETIME);
        lifetime.begin(now, &mut self.client);
        self.lifetime = Some(lifetime);
        Stage::Lifetime
    }

    /// Whether the host is seen elsewhere as it knows itself.
    fn is_translated(&self) -> Option<bool> {
        let mut answers = self.asked.reach.iter();
        let answer = answers.find_map(|own| self.client.answer(*own))?;
        Some(answer.mapped? != answer.local)
    }

    /// A request that came to one of the probe's own sockets: it turned back.
    fn serve(&mut self, at: u16, from: Endpoint, octets: &[u8]) {
        let Some(message) = StunMessage::parse(octets) else {
            return;
        };
        let end = socket::HAIRPIN.iter().position(|own| *own == at);
        let Some(end) = end.filter(|_| message.class == Class::Request) else {
            self.client.strays = self.client.strays.saturating_add(1);
            return;
        };
        self.turned_back = Some(TurnedBack { end, from });
        let transaction = message.transaction_id.last_chunk().copied();
        let told = Told {
            mapped: from,
            origin: None,
            other: None,
            software: "",
            padding: None,
        };
        let answer = binding_success(transaction.unwrap_or_default(), &told);
        self.client.send(Self::udp(at, None), from, answer);
    }
}

impl Probe for NatProbe {
    fn handle(&mut self, now: Timestamp, input: Input<'_>) {
        match input {
            Input::Received {
                socket,
                local,
                from,
                octets,
            } => {
                if !self.client.received(now, socket, local, from, octets) {
                    self.serve(socket, from, octets);
                }
            }
            Input::Refused { socket, to, why } => self.client.refused(now, socket, to, why),
            Input::Opened { .. } => {}
        }
        if let Some(lifetime) = &mut self.lifetime {
            lifetime.go_on(now, &mut self.client);
        }
        self.advance(now);
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.client.send_due(now);
        if let Some(lifetime) = &mut self.lifetime {
            lifetime.go_on(now, &mut self.client);
        }
        self.advance(now);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        self.client.poll_transmit()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        let due = self.lifetime.as_ref().and_then(Lifetime::due);
        [self.client.poll_timeout(), due]
            .into_iter()
            .flatten()
            .min()
    }

    fn found(&self) -> Found {
        verdict::found(self)
    }
}

/// Whether a server's other address can be one (RFC 5780, 4.2): another in both
/// parts, and one that is reached like the first.
fn is_other(primary: Endpoint, other: Endpoint) -> bool {
    let is_alike = |ip| is_private(ip) || primary.ip.is_loopback();
    other.ip != primary.ip
        && other.port != primary.port
        && other.port != 0
        && other.ip.is_ipv4() == primary.ip.is_ipv4()
        && !other.ip.is_unspecified()
        && (is_alike(primary.ip) || !(is_private(other.ip) || other.ip.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_addresses_that_can_be_one() {
        let endpoint = |text: &str| {
            let address: std::net::SocketAddr = text.parse().expect("an endpoint");
            Endpoint::new(address.ip(), address.port())
        };
        let check = |primary: &str, other: &str, expected: bool| {
            let can_be = is_other(endpoint(primary), endpoint(other));
            assert_eq!(can_be, expected, "{primary} {other}");
        };
        check("203.0.113.1:3478", "203.0.113.2:3479", true);
        check("203.0.113.1:3478", "203.0.113.1:3479", false);
        check("203.0.113.1:3478", "203.0.113.2:3478", false);
        check("203.0.113.1:3478", "203.0.113.2:0", false);
        check("203.0.113.1:3478", "10.0.0.2:3479", false);
        check("203.0.113.1:3478", "0.0.0.0:3479", false);
        check("203.0.113.1:3478", "[2001:db8::1]:3479", false);
        check("10.0.0.1:3478", "10.0.0.2:3479", true);
        check("127.0.0.1:3478", "127.0.0.2:3479", true);
        check("203.0.113.1:3478", "127.0.0.2:3479", false);
    }
}
