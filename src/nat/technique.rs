//! What is used to get through NATs (RFC 5128, RFC 5626, RFC 8445, RFC 8656).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::device::{Device, Realm};
use super::survey::Survey;
use crate::engine::nat::{Contact, Learned, SERVERS};
use crate::net::{Endpoint, Transport};
use crate::packet::PacketRef;
use crate::time::SECOND;

/// One technique in use.
#[derive(Clone, Debug, PartialEq)]
pub struct Technique {
    /// Its name in records.
    pub name: &'static str,
    /// What shows it.
    pub at: PacketRef,
    /// What that says.
    pub says: String,
}

/// Techniques, the ones that carry media or connect peers first.
const RANK: [&str; 17] = [
    "tcp-simultaneous-open",
    "udp-hole-punch",
    "connection-reversal",
    "pcp",
    "nat-pmp",
    "upnp",
    "turn-relay",
    "ice-prflx",
    "ice-srflx",
    "ice-host",
    "stun-rewritten",
    "media-relay",
    "outbound",
    "stun-keepalive",
    "crlf-keepalive",
    "options-ping",
    "rport",
];

#[derive(Default)]
struct Found(BTreeMap<IpAddr, Vec<Technique>>);

impl Found {
    fn add(&mut self, host: IpAddr, name: &'static str, at: PacketRef, says: String) {
        let own = self.0.entry(host).or_default();
        if !own.iter().any(|known| known.name == name) {
            own.push(Technique { name, at, says });
        }
    }
}

/// What each host uses.
#[must_use]
pub(super) fn techniques(survey: &Survey<'_>) -> Vec<(IpAddr, Vec<Technique>)> {
    let mut found = Found::default();
    signalling(survey, &mut found);
    ice(survey, &mut found);
    punching(survey, &mut found);
    reversals(survey, &mut found);
    let rank = |own: &Technique| RANK.iter().position(|name| *name == own.name);
    let mut hosts: Vec<_> = found.0.into_iter().collect();
    for (_, own) in &mut hosts {
        own.sort_by_key(rank);
    }
    hosts
}

fn signalling(survey: &Survey<'_>, found: &mut Found) {
    for binding in survey
        .facts
        .bindings()
        .iter()
        .filter(|own| !own.is_identity())
    {
        let mut learned = binding.learned.iter();
        let via = learned.find(|(how, _)| matches!(how, Learned::Via | Learned::Claim));
        if let Some((_, at)) = via {
            let says = format!(
                "responses say rport={} and go to {}",
                binding.outside.port, binding.outside
            );
            found.add(binding.inside.ip, "rport", *at, says);
        }
    }
    for own in survey.facts.efforts() {
        // What a host outside does is no way through.
        let host = survey.host_of(own.host);
        if survey.device_of(host).is_some() {
            let says = format!("{} and {}: {}", own.host, own.with, own.what);
            found.add(host, own.what, own.at, says);
        }
    }
    let is_nat = |ip: &IpAddr| {
        let mut devices = survey.devices.iter();
        devices.any(|own| own.device.outside_ips.contains(ip))
    };
    for own in &survey.usage.media_relays {
        if survey.usage.is_relay(own.relay) || is_nat(&own.relay) {
            continue;
        }
        let host = survey.host_of(own.host);
        if survey.device_of(host).is_some() {
            let says = format!("media of {} pass through {}", own.host, own.relay);
            found.add(host, "media-relay", own.at, says);
        }
    }
    // An address that STUN told first is written where others look for it.
    let with_ice: BTreeSet<IpAddr> = survey
        .facts
        .bindings()
        .iter()
        .filter(|own| own.is_learned(Learned::Ice))
        .map(|own| own.outside.ip)
        .collect();
    for described in &survey.usage.described {
        let told = survey.seen_as(described.endpoint).iter().find(|own| {
            own.is_learned(Learned::Stun) && own.first.timestamp <= described.at.timestamp
        });
        // With ICE it is one candidate of several.
        let is_ice = with_ice.contains(&described.endpoint.ip);
        if let Some(told) = told.filter(|_| !is_ice) {
            let says = format!("{} names {}, as STUN told it", told.inside, told.outside);
            found.add(told.inside.ip, "stun-rewritten", described.at, says);
        }
    }
}

fn ice(survey: &Survey<'_>, found: &mut Found) {
    for nomination in &survey.usage.nominations {
        let (from, to) = (nomination.from, nomination.to);
        let through_relay = survey.usage.is_relay(to.ip) || survey.usage.is_relay(from.ip);
        // Captured outside, the sender is seen as the others see it.
        let host = survey.host_of(from);
        let name = match nomination.mapped {
            _ if survey.usage.is_relay(from.ip) => continue,
            _ if through_relay => "turn-relay",
            Some(mapped) if mapped == from && host == from.ip => "ice-host",
            Some(mapped) if is_disclosed(survey, mapped) => "ice-srflx",
            Some(_) => "ice-prflx",
            None => continue,
        };
        let says = format!("{from} nominates its way to {to}");
        found.add(host, name, nomination.at, says);
    }
    for relay in &survey.usage.relays {
        // An allocation alone is only a candidate.
        let used = survey
            .contacts
            .from(relay.client)
            .any(|own| own.flow.dst == relay.server && own.packets > 50);
        if used {
            let says = format!("{} relays for {}", relay.server, relay.client);
            found.add(survey.host_of(relay.client), "turn-relay", relay.at, says);
        }
    }
}

/// Whether an address was found with a STUN server, not only by the peer.
fn is_disclosed(survey: &Survey<'_>, mapped: Endpoint) -> bool {
    survey.seen_as(mapped).iter().any(|own| {
        let from_server = own.remote.is_some_and(|to| matches!(to.port, 3478 | 3479));
        own.is_learned(Learned::Ice) || (own.is_learned(Learned::Stun) && from_server)
    })
}

/// How long both sides have to send to each other.
const PUNCH_NS: i64 = SECOND;
/// How long before they may have been introduced.
const INTRODUCED_NS: i64 = 30 * SECOND;

/// Hosts that send to each other at once, after both spoke to a third.
fn punching(survey: &Survey<'_>, found: &mut Found) {
    // Where STUN told an address, that is the technique.
    let told: HashSet<Endpoint, RandomState> = survey
        .facts
        .bindings()
        .iter()
        .filter(|own| own.is_learned(Learned::Stun))
        .flat_map(|own| [own.inside, own.outside])
        .collect();
    for there in survey.contacts.all() {
        let (a, b) = (there.flow.src, there.flow.dst);
        if a > b || there.is_media || told.contains(&a) || told.contains(&b) {
            continue;
        }
        let back = survey.contacts.back(there);
        let Some(back) = back.filter(|back| !back.is_media) else {
            continue;
        };
        match there.flow.transport {
            Transport::Udp => hole_punch(survey, there, back, found),
            _ => simultaneous_open(survey, there, back, found),
        }
    }
}

/// Hosts behind a NAT that open the way to a peer that is not, because it asked
/// for that through somebody both know, or because it tried in vain (RFC 5128,
/// 3.2).
fn reversals(survey: &Survey<'_>, found: &mut Found) {
    let is_open = |ip: IpAddr| Realm::of(ip) == Realm::Global && survey.device_of(ip).is_none();
    for own in survey.facts.reversals() {
        let (host, peer) = (survey.host_of(own.opened.src), own.opened.dst);
        if survey.device_of(host).is_some() && is_open(peer.ip) {
            let says = format!(
                "{} asks {} for a way from {}, which opens it",
                own.wish.src, own.wish.dst, own.prompt.dst.ip
            );
            found.add(host, "connection-reversal", own.at, says);
        }
    }
    for device in survey.devices.iter().map(|own| &own.device) {
        let mut known = BTreeSet::new();
        let tries = device
            .outside_ips
            .iter()
            .flat_map(|ip| survey.contacts.to_host(*ip));
        for tried in tries {
            let peer = tried.flow.src.ip;
            // Checks of ICE are tried from both sides anyway.
            let is_refused = tried.asked.is_some() && survey.contacts.back(tried).is_none();
            if !is_refused || !is_open(peer) || !known.insert(peer) {
                continue;
            }
            let mut opened = survey.contacts.to_host(peer);
            if let Some(opened) = opened.find(|own| is_opened_after(survey, device, tried, own)) {
                let says = format!(
                    "{} tries {} in vain; then {} opens the way to it",
                    tried.flow.src, tried.flow.dst, opened.flow.src
                );
                let host = survey.host_of(opened.flow.src);
                found.add(host, "connection-reversal", opened.first, says);
            }
        }
    }
}

/// Whether a host behind a NAT connects to the peer that had tried in vain to
/// connect to it.
fn is_opened_after(
    survey: &Survey<'_>,
    device: &Device<'_>,
    tried: &Contact,
    opened: &Contact,
) -> bool {
    let waited = opened.first.timestamp.since(tried.first.timestamp);
    let from = opened.flow.src.ip;
    (1..INTRODUCED_NS).contains(&waited)
        && opened.asked.is_some()
        && (device.outside_ips.contains(&from) || device.inside_ips.contains(&from))
        && opened.flow.dst.port != tried.flow.src.port
        && survey
            .contacts
            .back(opened)
            .is_some_and(|back| back.first.timestamp > opened.first.timestamp)
}

fn simultaneous_open(survey: &Survey<'_>, there: &Contact, back: &Contact, found: &mut Found) {
    let (Some(first), Some(second)) = (there.asked, back.asked) else {
        return;
    };
    let later = first.max(second);
    // Neither had been answered when both had asked.
    let is_crossing = later.since(first.min(second)) < PUNCH_NS
        && [there, back]
            .iter()
            .all(|own| own.granted.is_none_or(|granted| granted >= later));
    if is_crossing {
        let (a, b) = (there.flow.src, there.flow.dst);
        for (host, at) in [(a, there.first), (b, back.first)] {
            let says = format!("{a} and {b} ask each other for a connection at once");
            let host = survey.host_of(host);
            found.add(host, "tcp-simultaneous-open", at, says);
        }
    }
}

fn hole_punch(survey: &Survey<'_>, there: &Contact, back: &Contact, found: &mut Found) {
    let began = there.first.timestamp.max(back.first.timestamp);
    if began.since(there.first.timestamp.min(back.first.timestamp)) > PUNCH_NS {
        return;
    }
    let (a, b) = (there.flow.src, there.flow.dst);
    let acquaintances = |own: Endpoint, other: Endpoint| -> BTreeSet<Endpoint> {
        let earlier = survey.contacts.from(own).filter(|contact| {
            contact.flow.dst.ip != other.ip
                && contact.first.timestamp < began
                && began.since(contact.first.timestamp) < INTRODUCED_NS
                && contact.flow.transport == Transport::Udp
        });
        earlier.map(|contact| contact.flow.dst).collect()
    };
    let (of_a, of_b) = (acquaintances(a, b), acquaintances(b, a));
    // Everybody asks servers of names and of the time.
    let mut thirds = of_a.intersection(&of_b);
    let Some(third) = thirds.find(|own| !SERVERS.contains(&own.port)) else {
        return;
    };
    // One asked to be called, and the other's packets are answers.
    let ends = [a.ip, b.ip].map(|ip| survey.sides(ip));
    let is_reversal = survey.facts.reversals().iter().any(|own| {
        let (from, to) = (own.opened.src, own.opened.dst);
        let is = |side: &BTreeSet<IpAddr>, ip| side.contains(&ip);
        (is(&ends[0], from.ip) && is(&ends[1], to.ip))
            || (is(&ends[1], from.ip) && is(&ends[0], to.ip))
    });
    if is_reversal {
        return;
    }
    for (host, at) in [(a, there.first), (b, back.first)] {
        let says = format!("{a} and {b} send to each other at once, after both asked {third}");
        let host = survey.host_of(host);
        found.add(host, "udp-hole-punch", at, says);
    }
}
