//! All that is known of the NATs of a capture, put together once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::behavior::Elimination;
use super::contacts::Contacts;
use super::device::{Device, devices};
use super::filtering::{Filtered, filtering, is_untranslated};
use super::mapping::mapping;
use super::ports::{Ports, ports};
use super::technique::{Technique, techniques};
use super::usage::Usage;
use crate::engine::nat::{Binding, Expiry, NatFacts, Rewrite};
use crate::net::{Endpoint, Transport};

/// A NAT and how it behaves.
#[derive(Clone, Debug)]
pub struct Surveyed<'a> {
    /// The NAT.
    pub device: Device<'a>,
    /// How it maps.
    pub mapping: Elimination,
    /// What it lets in.
    pub filtering: Elimination,
    /// How it picks ports.
    pub ports: Option<Ports>,
    /// Bindings of it that were gone after a silence.
    pub expiries: Vec<&'a Expiry>,
    /// Messages that it changed.
    pub rewrites: Vec<&'a Rewrite>,
}

/// A host that others see as it knows itself.
#[derive(Clone, Debug)]
pub struct Untranslated<'a> {
    /// The host.
    pub host: IpAddr,
    /// What shows it.
    pub bindings: Vec<&'a Binding>,
    /// What is let in to it.
    pub filtering: Elimination,
}

/// The NATs of a capture.
#[derive(Debug)]
pub struct Survey<'a> {
    /// The facts.
    pub facts: &'a NatFacts,
    /// Who sent to whom, in the order of first packets.
    pub contacts: Contacts,
    /// NATs.
    pub devices: Vec<Surveyed<'a>>,
    /// Hosts without one.
    pub untranslated: Vec<Untranslated<'a>>,
    by_outside: HashMap<Endpoint, Vec<&'a Binding>, RandomState>,
    /// What is used to get through, by host.
    pub techniques: Vec<(IpAddr, Vec<Technique>)>,
    /// What calls and STUN exchanges told.
    pub usage: &'a Usage,
}

impl<'a> Survey<'a> {
    /// Puts it together.
    #[must_use]
    pub fn new(facts: &'a NatFacts, usage: &'a Usage) -> Self {
        let contacts = Contacts::new(facts.contacts());
        let devices: Vec<Surveyed<'a>> = devices(facts)
            .into_iter()
            .map(|device| surveyed(device, facts, &contacts))
            .collect();
        let untranslated = untranslated(facts, &devices, &contacts);
        let mut by_outside = HashMap::<_, Vec<_>, RandomState>::default();
        for binding in facts.bindings().iter().filter(|own| !own.is_identity()) {
            by_outside.entry(binding.outside).or_default().push(binding);
        }
        let mut survey = Self {
            facts,
            contacts,
            devices,
            untranslated,
            by_outside,
            techniques: Vec::new(),
            usage,
        };
        survey.techniques = techniques(&survey);
        survey
    }

    /// The NAT that a host is behind: the outermost that is known.
    #[must_use]
    pub fn device_of(&self, host: IpAddr) -> Option<&Surveyed<'a>> {
        self.devices
            .iter()
            .filter(|own| own.device.inside_ips.contains(&host))
            .min_by_key(|own| own.device.realm)
    }

    /// The rows of an outside endpoint.
    #[must_use]
    pub fn seen_as(&self, outside: Endpoint) -> &[&'a Binding] {
        self.by_outside.get(&outside).map_or(&[], Vec::as_slice)
    }

    /// The host that an endpoint stands for: who is seen as it, or the only
    /// host known behind that address, or itself.
    #[must_use]
    pub fn host_of(&self, endpoint: Endpoint) -> IpAddr {
        if let Some(inside) = self.inside_of(endpoint) {
            return inside.ip;
        }
        let mut behind = self
            .devices
            .iter()
            .filter(|own| own.device.outside_ips.contains(&endpoint.ip))
            .flat_map(|own| &own.device.inside_ips);
        match (behind.next(), behind.next()) {
            (Some(host), None) => *host,
            _ => endpoint.ip,
        }
    }

    /// The addresses of a host on both sides of its NAT.
    #[must_use]
    pub fn sides(&self, ip: IpAddr) -> BTreeSet<IpAddr> {
        let devices = self.devices.iter().map(|own| &own.device);
        let behind =
            devices.filter(|own| own.inside_ips.contains(&ip) || own.outside_ips.contains(&ip));
        let mut sides: BTreeSet<IpAddr> = behind
            .flat_map(|own| own.inside_ips.iter().chain(&own.outside_ips))
            .copied()
            .collect();
        sides.insert(ip);
        sides
    }

    /// Who is seen as an outside endpoint.
    #[must_use]
    pub fn inside_of(&self, outside: Endpoint) -> Option<Endpoint> {
        self.seen_as(outside).first().map(|own| own.inside)
    }
}

fn surveyed<'a>(device: Device<'a>, facts: &'a NatFacts, contacts: &Contacts) -> Surveyed<'a> {
    let rewrites: Vec<&Rewrite> = facts
        .rewrites()
        .iter()
        .filter(|own| {
            let host = if own.is_outbound {
                own.flow.src
            } else {
                own.flow.dst
            };
            device.inside_ips.contains(&host.ip)
        })
        .collect();
    let subject = Filtered {
        hosts: &device.inside_ips,
        bindings: &device.bindings,
        has_alg: !rewrites.is_empty(),
    };
    Surveyed {
        mapping: mapping(&device, Transport::Udp),
        filtering: filtering(&subject, facts, contacts),
        ports: ports(&device),
        expiries: facts
            .expiries()
            .iter()
            .filter(|own| device.inside_ips.contains(&own.inside.ip))
            .collect(),
        rewrites,
        device,
    }
}

fn untranslated<'a>(
    facts: &'a NatFacts,
    devices: &[Surveyed<'_>],
    contacts: &Contacts,
) -> Vec<Untranslated<'a>> {
    let parts: BTreeSet<IpAddr> = devices
        .iter()
        .flat_map(|own| own.device.inside_ips.iter().chain(&own.device.outside_ips))
        .copied()
        .collect();
    let mut hosts: BTreeMap<IpAddr, Vec<&Binding>> = BTreeMap::new();
    for binding in facts.bindings().iter().filter(|own| is_untranslated(own)) {
        if !parts.contains(&binding.inside.ip) {
            hosts.entry(binding.inside.ip).or_default().push(binding);
        }
    }
    hosts
        .into_iter()
        .map(|(host, bindings)| {
            let subject = Filtered {
                hosts: &BTreeSet::from([host]),
                bindings: &bindings,
                has_alg: false,
            };
            Untranslated {
                host,
                filtering: filtering(&subject, facts, contacts),
                bindings,
            }
        })
        .collect()
}
