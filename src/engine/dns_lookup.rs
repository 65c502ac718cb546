//! DNS look-ups that lead to SIP servers (RFC 3263), and the calls they are
//! made for.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::call::Facts;
use super::limits::{Limit, Limits};
use super::table::{Entry, Handle, Table};
use super::{Engine, Event};
use crate::dns::{DnsAnswer, DnsData, DnsKind, DnsMessage};
use crate::net::Flow;
use crate::octets;
use crate::packet::{CapturePoint, PacketRef};
use crate::sip::Uri;
use crate::sip::header::{HeaderName, NameAddr};
use crate::time::{SECOND, Timestamp};

/// One question and its answer.
#[derive(Clone, Debug)]
pub struct DnsLookup {
    /// Unique in the run, in the order of first messages.
    pub serial: u64,
    /// From the one who asks to the server.
    pub flow: Flow,
    /// Its first message.
    pub first: PacketRef,
    /// Its last message.
    pub last: Timestamp,
    /// The name asked for.
    pub name: String,
    /// What is asked about it.
    pub kind: DnsKind,
    /// When it was asked last.
    asked: Option<Timestamp>,
    /// Times it was asked again.
    pub retries: u64,
    /// What came of it, once answered.
    pub rcode: Option<u8>,
    /// Whether the answer did not fit.
    pub is_truncated: bool,
    /// Its answers.
    pub answers: Vec<DnsAnswer>,
    /// From the last question to the answer.
    pub round_trip_ns: Option<i64>,
    /// The Call-ID that it was made for.
    pub call_id: Option<String>,
    /// Whether it leads to a SIP server, or is meant to.
    pub for_sip: bool,
    /// Its frames.
    pub frames: SmallVec<[u32; 2]>,
}

impl Entry for DnsLookup {
    fn last_seen(&self) -> Timestamp {
        self.last
    }

    fn rank(&self) -> u8 {
        u8::from(self.for_sip)
    }
}

/// Who asks at which capture point, and what.
type LookupKey = (CapturePoint, IpAddr, u16, String, DnsKind);

/// Look-ups, and the ways from names and addresses to them.
#[derive(Debug)]
pub(super) struct Lookups {
    table: Table<LookupKey, DnsLookup>,
    /// By the name that is asked for.
    asked: Index<String>,
    /// By a name that the answer points to.
    named: Index<String>,
    /// By an address in the answer.
    addresses: Index<IpAddr>,
}

type Index<K> = HashMap<K, SmallVec<[Handle; 2]>, RandomState>;

/// Look-ups of one name or address that are held: both kinds of address, some
/// hosts.
const SAME: usize = 16;
/// A call follows the look-ups it was made by within this, and a look-up the
/// request it is made for.
const RELATED_NS: i64 = 32 * SECOND;
/// Look-ups are told after this.
const LINGER_NS: i64 = 60 * SECOND;
/// How far a chain of names is followed.
const CHAIN: u8 = 8;

fn enter<K: Hash + Eq>(index: &mut Index<K>, key: K, handle: Handle) {
    let handles = index.entry(key).or_default();
    if !handles.contains(&handle) {
        if handles.len() >= SAME {
            handles.remove(0);
        }
        handles.push(handle);
    }
}

fn leave<K, Q>(index: &mut Index<K>, key: &Q, handle: Handle)
where
    K: Hash + Eq + std::borrow::Borrow<Q>,
    Q: Hash + Eq + ?Sized,
{
    if let Some(handles) = index.get_mut(key) {
        handles.retain(|known| *known != handle);
        if handles.is_empty() {
            index.remove(key);
        }
    }
}

/// The names that a record leads on to.
fn points_to(data: &DnsData) -> Option<&str> {
    match data {
        DnsData::Address(_) => None,
        DnsData::Cname(name) => Some(name),
        DnsData::Srv { target, .. } => Some(target),
        DnsData::Naptr { replacement, .. } => Some(replacement),
    }
}

/// Whether a name is asked for SIP's sake, as far as the name tells: a service
/// of SIP, or a host that is named after it.
fn is_named_for_sip(name: &str, kind: DnsKind) -> bool {
    let service = ["_sip.", "_sips.", "_stun.", "_stuns.", "_turn.", "_turns."];
    kind == DnsKind::Naptr
        || service.iter().any(|service| name.starts_with(service))
        || name.split('.').any(|label| {
            let rest = label.trim_end_matches(|digit: char| digit.is_ascii_digit() || digit == '-');
            matches!(rest, "sip" | "sips" | "sbc" | "pbx" | "voip" | "registrar")
        })
}

impl Lookups {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            table: Table::new(limits.dns_lookups),
            asked: HashMap::default(),
            named: HashMap::default(),
            addresses: HashMap::default(),
        }
    }

    pub(super) fn bytes_held(&self) -> usize {
        self.table.len() * (size_of::<DnsLookup>() + 700)
            + (self.asked.len() + self.named.len() + self.addresses.len()) * 100
    }

    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Those that are over at `now`; a part of them at a time.
    pub(super) fn over(&mut self, now: Timestamp) -> Vec<Handle> {
        let part = self.table.round() / 8 + 64;
        let mut handles = self.table.scan(part);
        handles.retain(|&handle| {
            self.table
                .get(handle)
                .is_some_and(|lookup| now.since(lookup.last) > LINGER_NS)
        });
        handles
    }

    pub(super) fn in_order(&self) -> Vec<Handle> {
        self.table.in_order(|lookup| lookup.serial)
    }

    fn remove(&mut self, handle: Handle) -> Option<DnsLookup> {
        let lookup = self.table.remove(handle)?;
        self.forget(&lookup, handle);
        Some(lookup)
    }

    fn forget(&mut self, lookup: &DnsLookup, handle: Handle) {
        leave(&mut self.asked, lookup.name.as_str(), handle);
        for answer in &lookup.answers {
            if let Some(name) = points_to(&answer.data) {
                leave(&mut self.named, name, handle);
            }
            if let DnsData::Address(address) = answer.data {
                leave(&mut self.addresses, &address, handle);
            }
        }
    }

    /// Marks a look-up as made for SIP, and those that led to it or that it
    /// leads to.
    fn mark(&mut self, handle: Handle, call_id: Option<&str>, depth: u8) {
        let Some(lookup) = self.table.get_mut(handle) else {
            return;
        };
        let tied = lookup.call_id.is_some() || call_id.is_none();
        if (lookup.for_sip && tied) || depth == 0 {
            return;
        }
        lookup.for_sip = true;
        if lookup.call_id.is_none() {
            lookup.call_id = call_id.map(str::to_owned);
        }
        let asker = lookup.flow.src.ip;
        let from = self.named.get(&lookup.name).cloned().unwrap_or_default();
        let to: SmallVec<[Handle; 2]> = lookup
            .answers
            .iter()
            .filter_map(|answer| self.asked.get(points_to(&answer.data)?))
            .flatten()
            .copied()
            .collect();
        for other in from.into_iter().chain(to) {
            if self.asker(other) == Some(asker) {
                self.mark(other, call_id, depth - 1);
            }
        }
    }

    fn asker(&self, handle: Handle) -> Option<IpAddr> {
        Some(self.table.get(handle)?.flow.src.ip)
    }

    /// Ties the look-ups by which `from` found `to`, asked for by these names
    /// or answered with that address, not long before `now`.
    fn tie(
        &mut self,
        from: IpAddr,
        to: IpAddr,
        names: &[String],
        now: Timestamp,
        call_id: Option<&str>,
    ) {
        let by_name = names.iter().filter_map(|name| self.asked.get(name));
        let found: SmallVec<[Handle; 8]> = self
            .addresses
            .get(&to)
            .into_iter()
            .chain(by_name)
            .flatten()
            .copied()
            .collect();
        for handle in found {
            let fits = self.table.get(handle).is_some_and(|lookup| {
                lookup.flow.src.ip == from && now.since(lookup.last).abs() <= RELATED_NS
            });
            if fits {
                self.mark(handle, call_id, CHAIN);
            }
        }
    }
}

/// The names under which a host is looked for (RFC 3263, 4.1).
fn names_of(host: &str) -> Vec<String> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if host.is_empty() || host.parse::<IpAddr>().is_ok() || host.starts_with('[') {
        return Vec::new();
    }
    let services = ["_sip._udp", "_sip._tcp", "_sips._tcp", "_sip._tls"];
    let mut names: Vec<String> = services.map(|service| format!("{service}.{host}")).into();
    names.push(host);
    names
}

impl Engine {
    /// A datagram from or to a name server; says whether it is DNS.
    pub(super) fn dns(&mut self, at: PacketRef, flow: Flow, payload: &[u8]) -> bool {
        let Some(message) = DnsMessage::parse(payload) else {
            return false;
        };
        self.counters.dns_messages += 1;
        if message.is_cut {
            self.limit(Limit::DnsAnswers);
        }
        let flow = if message.is_response {
            flow.reversed()
        } else {
            flow
        };
        let key: LookupKey = (
            at.capture_point,
            flow.src.ip,
            message.id,
            message.name.clone(),
            message.kind,
        );
        let handle = match self.lookups.table.find(&key) {
            Some(handle) => handle,
            None => self.begin_lookup(at, flow, key),
        };
        let frames = self.config.limits.frames;
        let lookups = &mut self.lookups;
        let Some(lookup) = lookups.table.get_mut(handle) else {
            return true;
        };
        lookup.last = lookup.last.max(at.timestamp);
        if lookup.frames.len() < frames && lookup.frames.last() != Some(&at.number) {
            lookup.frames.push(at.number);
        }
        if !message.is_response {
            if lookup.asked.is_some() {
                lookup.retries = lookup.retries.saturating_add(1);
            }
            lookup.asked = Some(at.timestamp);
            return true;
        }
        if lookup.rcode.is_some() {
            return true;
        }
        lookup.round_trip_ns = lookup
            .asked
            .map(|asked| at.timestamp.since(asked))
            .filter(|spent| *spent >= 0);
        lookup.rcode = Some(message.rcode);
        lookup.is_truncated = message.is_truncated;
        lookup.answers = message.answers;
        let mut marked = lookup.for_sip;
        for answer in &lookup.answers {
            if let Some(name) = points_to(&answer.data) {
                enter(&mut lookups.named, name.to_owned(), handle);
                marked |= is_named_for_sip(name, lookup.kind);
            }
            if let DnsData::Address(address) = answer.data {
                enter(&mut lookups.addresses, address, handle);
            }
        }
        let call_id = lookup.call_id.clone();
        if marked {
            // What it leads to may have been asked before it was answered.
            lookup.for_sip = false;
            lookup.call_id = None;
            lookups.mark(handle, call_id.as_deref(), CHAIN);
        }
        true
    }

    fn begin_lookup(&mut self, at: PacketRef, flow: Flow, key: LookupKey) -> Handle {
        let serial = self.next_lookup;
        self.next_lookup += 1;
        let (name, kind) = (key.3.clone(), key.4);
        let lookup = DnsLookup {
            serial,
            flow,
            first: at,
            last: at.timestamp,
            name: name.clone(),
            kind,
            asked: None,
            retries: 0,
            rcode: None,
            is_truncated: false,
            answers: Vec::new(),
            round_trip_ns: None,
            call_id: None,
            for_sip: false,
            frames: SmallVec::new(),
        };
        let for_call = self.request_to(flow.src.ip, &name, at.timestamp);
        if self.lookups.table.len() >= self.config.limits.dns_lookups {
            self.limit(Limit::DnsLookups);
            if let Some(worst) = self.lookups.table.worst() {
                self.close_lookup(worst);
            }
        }
        let (handle, _) = self.lookups.table.insert(key, lookup);
        let led_by = self.lookups.named.get(&name).cloned().unwrap_or_default();
        enter(&mut self.lookups.asked, name.clone(), handle);
        let leader = led_by
            .iter()
            .filter_map(|&leader| self.lookups.table.get(leader))
            .find(|leader| leader.flow.src.ip == flow.src.ip && leader.for_sip);
        let call_id = leader
            .and_then(|leader| leader.call_id.clone())
            .or(for_call);
        if leader.is_some() || call_id.is_some() || is_named_for_sip(&name, kind) {
            self.lookups.mark(handle, call_id.as_deref(), CHAIN);
        }
        handle
    }

    /// The Call-ID of a recent request toward a name, received by `asker`, who
    /// now asks for that name to pass it on.
    fn request_to(&self, asker: IpAddr, name: &str, now: Timestamp) -> Option<String> {
        let recent = self.recent_calls.iter().rev();
        let mut fitting =
            recent
                .take_while(|(_, at)| now.since(*at) <= RELATED_NS)
                .filter_map(|(handle, _)| self.calls.get(*handle))
                .filter(|call| {
                    call.transactions
                        .iter()
                        .any(|transaction| transaction.flow.dst.ip == asker)
                        && call.opening.request_uri.as_ref().is_some_and(|uri| {
                            names_of(&host_of(uri)).iter().any(|own| own == name)
                        })
                });
        fitting.next().map(|call| call.call_id.clone())
    }

    /// A Call-ID is met for the first time: by which look-ups was its way
    /// found?
    pub(super) fn tie_lookups(&mut self, facts: &Facts<'_, '_>, handle: Handle) {
        if self.recent_calls.len() >= self.config.limits.recent_calls {
            self.recent_calls.pop_front();
        }
        self.recent_calls.push_back((handle, facts.at.timestamp));
        if self.lookups.is_empty() || facts.is_response {
            return;
        }
        let route = facts.message.value(HeaderName::Route);
        let uri = match facts.message.start_line() {
            crate::sip::StartLine::Request { request_uri, .. } => *request_uri,
            crate::sip::StartLine::Response { .. } => return,
        };
        let mut names = names_of(&octets::text(Uri::parse(uri).host));
        if let Some(route) = route {
            names.extend(names_of(&octets::text(
                NameAddr::parse(route).parsed_uri().host,
            )));
        }
        let call_id = facts.message.call_id().map(octets::text);
        self.lookups.tie(
            facts.flow.src.ip,
            facts.flow.dst.ip,
            &names,
            facts.at.timestamp,
            call_id.as_deref(),
        );
    }

    /// A connection for SIP is opened: by which look-ups was its way found?
    pub(super) fn tie_lookups_of_connection(&mut self, at: PacketRef, flow: Flow) {
        if !self.lookups.is_empty() {
            self.lookups
                .tie(flow.src.ip, flow.dst.ip, &[], at.timestamp, None);
        }
    }

    pub(super) fn close_lookup(&mut self, handle: Handle) {
        if let Some(lookup) = self.lookups.remove(handle) {
            self.tell_lookup(lookup);
        }
    }

    /// Only what leads to SIP servers, or is meant to, is told.
    fn tell_lookup(&mut self, lookup: DnsLookup) {
        if lookup.for_sip {
            self.events.push_back(Event::Dns(Box::new(lookup)));
        } else {
            self.counters.dns_other += 1;
        }
    }
}

fn host_of(uri: &str) -> String {
    octets::text(Uri::parse(uri.as_bytes()).host)
}
