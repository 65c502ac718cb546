//! All that is known of the NATs of a capture, put together once.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::behavior::Elimination;
use super::device::{Device, devices};
use super::filtering::{Filtered, filtering, is_untranslated};
use super::mapping::mapping;
use super::ports::{Ports, ports};
use super::technique::{Technique, techniques};
use super::usage::Usage;
use crate::engine::nat::{Binding, Contact, Expiry, NatFacts, Rewrite};
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
    pub contacts: Vec<&'a Contact>,
    /// NATs.
    pub devices: Vec<Surveyed<'a>>,
    /// Hosts without one.
    pub untranslated: Vec<Untranslated<'a>>,
    /// What is used to get through, by host.
    pub techniques: Vec<(IpAddr, Vec<Technique>)>,
    /// What calls and STUN exchanges told.
    pub usage: &'a Usage,
}

impl<'a> Survey<'a> {
    /// Puts it together.
    #[must_use]
    pub fn new(facts: &'a NatFacts, usage: &'a Usage) -> Self {
        let contacts = facts.contacts();
        let devices: Vec<Surveyed<'a>> = devices(facts)
            .into_iter()
            .map(|device| surveyed(device, facts, &contacts))
            .collect();
        let untranslated = untranslated(facts, &devices, &contacts);
        let mut survey = Self {
            facts,
            contacts,
            devices,
            untranslated,
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

    /// Who is seen as an outside endpoint.
    #[must_use]
    pub fn inside_of(&self, outside: Endpoint) -> Option<Endpoint> {
        let mut bindings = self.facts.bindings().iter();
        bindings
            .find(|own| own.outside == outside && !own.is_identity())
            .map(|own| own.inside)
    }
}

fn surveyed<'a>(device: Device<'a>, facts: &'a NatFacts, contacts: &[&Contact]) -> Surveyed<'a> {
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
    contacts: &[&Contact],
) -> Vec<Untranslated<'a>> {
    let hosts: BTreeSet<IpAddr> = facts
        .bindings()
        .iter()
        .filter(|own| is_untranslated(own))
        .map(|own| own.inside.ip)
        .filter(|host| {
            let is_part = |own: &Surveyed<'_>| {
                own.device.inside_ips.contains(host) || own.device.outside_ips.contains(host)
            };
            !devices.iter().any(is_part)
        })
        .collect();
    hosts
        .into_iter()
        .map(|host| {
            let bindings: Vec<&Binding> = facts
                .bindings()
                .iter()
                .filter(|own| own.inside.ip == host && is_untranslated(own))
                .collect();
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
