//! NATs told apart: inside networks, and where they come out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::engine::nat::{Binding, Learned, NatFacts};

/// How far inside an address lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Realm {
    /// Reachable from anywhere; ranges for documentation count as such.
    Global,
    /// Shared by the customers of a carrier (RFC 6598).
    Shared,
    /// Meaningful in one network (RFC 1918, 4193, 3927).
    Private,
}

impl Realm {
    /// The realm of an address.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        let is_shared = matches!(ip, IpAddr::V4(ip) if matches!(ip.octets(), [100, 64..=127, ..]));
        match (is_shared, crate::net::is_private(ip)) {
            (true, _) => Self::Shared,
            (false, true) => Self::Private,
            (false, false) => Self::Global,
        }
    }
}

/// A NAT, or several in a row that look like one.
#[derive(Clone, Debug)]
pub struct Device<'a> {
    /// The network inside.
    pub network: Network,
    /// What it translates to.
    pub realm: Realm,
    /// Its outside addresses.
    pub outside_ips: BTreeSet<IpAddr>,
    /// Hosts behind it.
    pub inside_ips: BTreeSet<IpAddr>,
    /// Its rows.
    pub bindings: Vec<&'a Binding>,
}

/// An inside network: /24, or /64 of IPv6. A guess, since no packet tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(pub IpAddr);

impl Network {
    /// The network of an address.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        Self(match ip {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                IpAddr::V4(Ipv4Addr::new(a, b, c, 0))
            }
            IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
        })
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let length = if self.0.is_ipv4() { 24 } else { 64 };
        write!(f, "{}/{length}", self.0)
    }
}

impl std::fmt::Display for Device<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut outside = self.outside_ips.iter();
        if let Some(first) = outside.next() {
            write!(f, "{first}")?;
        }
        for more in outside.take(3) {
            write!(f, ", {more}")?;
        }
        write!(f, " (inside {})", self.network)
    }
}

/// The NATs that bindings show: those of one inside network that share an
/// outside address, or a host seen at one capture point. Networks of the same
/// numbers behind other addresses are other networks.
#[must_use]
pub fn devices(facts: &NatFacts) -> Vec<Device<'_>> {
    let mut devices: Vec<Device<'_>> = Vec::new();
    let mut by_network: BTreeMap<(Network, Realm), Vec<usize>> = BTreeMap::new();
    // Another port of the same address is what a host says of itself, or a
    // forwarding in it: nothing lies behind that.
    let translated = || (facts.bindings().iter()).filter(|own| own.inside.ip != own.outside.ip);
    // What was measured first; what hosts claim joins it or stands alone.
    for wanted in [true, false] {
        for binding in translated().filter(|own| is_measured(own) == wanted) {
            let network = Network::of(binding.inside.ip);
            let realm = Realm::of(binding.outside.ip);
            let shares_host = |device: &Device<'_>| {
                wanted
                    && device.bindings.iter().any(|own| {
                        own.inside.ip == binding.inside.ip
                            && own.first.capture_point == binding.first.capture_point
                    })
            };
            let alike = by_network.entry((network, realm)).or_default();
            let mut alike_devices = alike.iter().copied();
            let known = alike_devices.find(|place| {
                devices.get(*place).is_some_and(|device| {
                    device.outside_ips.contains(&binding.outside.ip) || shares_host(device)
                })
            });
            let place = known.unwrap_or_else(|| {
                alike.push(devices.len());
                devices.push(Device {
                    network,
                    realm,
                    outside_ips: BTreeSet::new(),
                    inside_ips: BTreeSet::new(),
                    bindings: Vec::new(),
                });
                devices.len() - 1
            });
            if let Some(device) = devices.get_mut(place) {
                device.outside_ips.insert(binding.outside.ip);
                device.inside_ips.insert(binding.inside.ip);
                device.bindings.push(binding);
            }
        }
    }
    devices
}

/// Whether it shows how packets toward its remote are mapped: something went
/// that way.
#[must_use]
pub fn shows_mapping(binding: &Binding) -> bool {
    [Learned::Pair, Learned::Stun, Learned::Via]
        .into_iter()
        .any(|how| binding.is_learned(how))
}

/// Whether somebody else than the host says so.
#[must_use]
pub fn is_measured(binding: &Binding) -> bool {
    shows_mapping(binding)
        || binding.is_learned(Learned::Inbound)
        || binding.is_learned(Learned::Granted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn realms_and_networks() {
        let check = |ip: &str, realm, network: &str| {
            let ip = ip.parse().expect("an address");
            assert_eq!(Realm::of(ip), realm, "{ip}");
            assert_eq!(Network::of(ip).to_string(), network);
        };
        check("10.1.0.2", Realm::Private, "10.1.0.0/24");
        check("100.63.255.255", Realm::Global, "100.63.255.0/24");
        check("100.64.0.0", Realm::Shared, "100.64.0.0/24");
        check("100.127.255.255", Realm::Shared, "100.127.255.0/24");
        check("100.128.0.0", Realm::Global, "100.128.0.0/24");
        check("203.0.113.7", Realm::Global, "203.0.113.0/24");
        check("fd00:1:2:3:4::5", Realm::Private, "fd00:1:2:3::/64");
    }
}
