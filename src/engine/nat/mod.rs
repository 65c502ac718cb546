//! What packets show of the NATs that they pass (RFC 4787): facts, no verdicts.

mod gateway;
mod hooks;
mod reversal;
mod rewrite;
mod skew;
mod twins;

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::limits::Limits;
use super::stun_exchange::StunExchange;
use super::table::{Entry, Handle, Table};
use crate::net::{Endpoint, Flow, Transport, is_private};
use crate::packet::{CapturePoint, PacketRef};
use crate::time::{SECOND, Timestamp};

use self::gateway::Gateways;
use self::reversal::Arrivals;
pub use self::reversal::{Reversal, SERVERS};
use self::rewrite::Messages;
pub(super) use self::rewrite::changes;
pub use self::rewrite::{Change, Rewrite};
use self::skew::Clocks;
use self::twins::Twins;

/// How a binding is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Learned {
    /// The same packet was captured on both sides on its way out.
    Pair,
    /// The same on its way in: it came by a binding that may have been made for
    /// somebody else.
    Inbound,
    /// A STUN server said where a request came from (RFC 8489, 14.2).
    Stun,
    /// A SIP server said where a request came from (RFC 3261, 18.2.1; RFC 3581).
    Via,
    /// The NAT itself granted it: NAT-PMP, PCP, UPnP.
    Granted,
    /// A host said it of itself, in a candidate of ICE (RFC 8839, 5.1).
    Ice,
    /// The sender named its own address in a request that came from another.
    Claim,
    /// Media came from elsewhere than the description said.
    Sdp,
}

impl Learned {
    /// All, the surest first.
    pub const ALL: [Self; 8] = [
        Self::Pair,
        Self::Inbound,
        Self::Stun,
        Self::Via,
        Self::Granted,
        Self::Ice,
        Self::Claim,
        Self::Sdp,
    ];

    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pair => "same-packet",
            Self::Inbound => "same-packet-in",
            Self::Stun => "stun",
            Self::Via => "via",
            Self::Granted => "port-mapping",
            Self::Ice => "ice-candidate",
            Self::Claim => "via-claim",
            Self::Sdp => "sdp",
        }
    }

    /// How far to believe it.
    #[must_use]
    pub const fn confidence(self) -> f64 {
        match self {
            Self::Pair | Self::Inbound | Self::Stun | Self::Via | Self::Granted => 0.99,
            Self::Ice => 0.95,
            Self::Claim => 0.8,
            Self::Sdp => 0.7,
        }
    }
}

/// An address inside as it is seen outside by one remote: a row of the
/// translation table. Where both are equal, nothing was translated.
#[derive(Clone, Debug)]
pub struct Binding {
    /// What carries it.
    pub transport: Transport,
    /// As the host knows itself.
    pub inside: Endpoint,
    /// As the remote sees it.
    pub outside: Endpoint,
    /// Toward whom; `None` where only the host spoke of it.
    pub remote: Option<Endpoint>,
    /// What first showed it.
    pub first: PacketRef,
    /// What last showed it.
    pub last: Timestamp,
    /// How it is known, each with the packet that showed it first.
    pub learned: SmallVec<[(Learned, PacketRef); 2]>,
    /// The longest silence that it outlived, in nanoseconds.
    pub outlived_ns: i64,
}

impl Binding {
    /// Whether the address is the same on both sides.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.inside == self.outside
    }

    /// How far to believe it: each way of learning it adds. A host that is
    /// reachable from anywhere is rarely translated; where nobody captured both
    /// sides, its addresses may have been replaced in the capture.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        let doubts = self.learned.iter().map(|(how, _)| 1.0 - how.confidence());
        let sure = 1.0 - doubts.product::<f64>();
        if is_private(self.inside.ip) || self.is_paired() {
            sure
        } else {
            sure * 0.6
        }
    }

    /// Whether both sides were captured.
    #[must_use]
    pub fn is_paired(&self) -> bool {
        self.is_learned(Learned::Pair) || self.is_learned(Learned::Inbound)
    }

    /// Whether it is known in this way.
    #[must_use]
    pub fn is_learned(&self, how: Learned) -> bool {
        self.learned.iter().any(|(known, _)| *known == how)
    }
}

/// A binding that was gone after a silence.
#[derive(Clone, Copy, Debug)]
pub struct Expiry {
    /// As the host knows itself.
    pub inside: Endpoint,
    /// Toward whom.
    pub remote: Endpoint,
    /// The silence, in nanoseconds.
    pub idle_ns: i64,
    /// What showed it.
    pub at: PacketRef,
}

/// Packets of one direction between two endpoints at one capture point.
#[derive(Clone, Debug)]
pub struct Contact {
    /// From whom to whom.
    pub flow: Flow,
    /// Where.
    pub capture_point: CapturePoint,
    /// Its first packet.
    pub first: PacketRef,
    /// Its last packet.
    pub last: Timestamp,
    /// Its packets; of TCP only those that open connections.
    pub packets: u64,
    /// Packets that were captured on the other side of a NAT too.
    pub paired: u64,
    /// Packets that were captured before and behind a router that changed no
    /// address.
    pub passed: u64,
    /// Whether media flow in it, whose silences are not followed.
    pub is_media: bool,
    /// When a connection was first asked for (SYN without ACK).
    pub asked: Option<Timestamp>,
    /// When a connection was first granted (SYN with ACK).
    pub granted: Option<Timestamp>,
    /// The silence before the last packet that ended one, and when it did.
    idle: Option<(i64, Timestamp)>,
    /// So many of the next packets are looked for on the other side of a NAT.
    young: u8,
}

impl Entry for Contact {
    fn last_seen(&self) -> Timestamp {
        self.last
    }

    fn rank(&self) -> u8 {
        u8::from(self.paired > 0)
    }
}

/// A STUN request that wanted its answer from elsewhere (RFC 5780, 4.4).
#[derive(Clone, Copy, Debug)]
pub struct FilterTest {
    /// Who asks, as it was captured.
    pub asker: Endpoint,
    /// The server asked.
    pub server: Endpoint,
    /// Its transaction.
    pub transaction: u64,
    /// Whether another address was wanted.
    pub change_ip: bool,
    /// Whether another port was wanted.
    pub change_port: bool,
    /// From where the answer came, where it came from elsewhere.
    pub answered_from: Option<Endpoint>,
    /// The request.
    pub at: PacketRef,
}

/// A host does something to get through a NAT.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// The host.
    pub host: Endpoint,
    /// With whom.
    pub with: Endpoint,
    /// What: the name of a technique.
    pub what: &'static str,
    /// What shows it.
    pub at: PacketRef,
}

/// What kamailio's `nat_uac_test` would say of requests that a host sends, its
/// bits joined.
#[derive(Clone, Copy, Debug)]
pub struct UacTest {
    /// The bits.
    pub mask: u16,
    /// The first request that set one.
    pub at: PacketRef,
}

/// A silence shorter than this says nothing of a binding's life.
const SILENCE_NS: i64 = 2 * SECOND;
/// Packets of one way that are looked for on the other side of a NAT, from the
/// first on and after each silence; some may be lost.
const YOUNG: u8 = 4;
/// Filter tests, expiries and efforts kept.
const MAX_NOTES: usize = 1024;
/// Hosts whose requests are tested as kamailio does.
const MAX_UAC_TESTS: usize = 4096;
/// Rewritten messages kept; they repeat themselves.
const MAX_REWRITES: usize = 64;

type BindingKey = (Transport, Endpoint, Endpoint, Option<Endpoint>);

/// Facts about NATs, bounded.
#[derive(Debug)]
pub struct NatFacts {
    bindings: Vec<Binding>,
    by_key: HashMap<BindingKey, usize, RandomState>,
    max_bindings: usize,
    contacts: Table<(CapturePoint, Flow), Contact>,
    twins: Twins,
    clocks: Clocks,
    messages: Messages,
    filter_tests: Vec<FilterTest>,
    /// STUN servers that answer from elsewhere when asked to, with their other
    /// address (RFC 5780, 7.4).
    servers: HashMap<Endpoint, Endpoint, RandomState>,
    expiries: Vec<Expiry>,
    efforts: Vec<Effort>,
    effort_keys: HashSet<(Endpoint, Endpoint, &'static str), RandomState>,
    uac_tests: HashMap<Endpoint, UacTest, RandomState>,
    rewrites: Vec<Rewrite>,
    gateways: Gateways,
    arrivals: Arrivals,
    reversals: Vec<Reversal>,
    missed: u64,
}

impl NatFacts {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            bindings: Vec::new(),
            by_key: HashMap::default(),
            max_bindings: limits.nat_bindings,
            contacts: Table::new(limits.nat_contacts),
            twins: Twins::new(limits.nat_twins),
            clocks: Clocks::default(),
            messages: Messages::default(),
            filter_tests: Vec::new(),
            servers: HashMap::default(),
            expiries: Vec::new(),
            efforts: Vec::new(),
            effort_keys: HashSet::default(),
            uac_tests: HashMap::default(),
            rewrites: Vec::new(),
            gateways: Gateways::default(),
            arrivals: Arrivals::default(),
            reversals: Vec::new(),
            missed: 0,
        }
    }

    pub(super) fn bytes_held(&self) -> usize {
        self.bindings.len() * (size_of::<Binding>() + 100)
            + self.contacts.len() * (size_of::<Contact>() + 120)
            + self.twins.bytes_held()
            + self.messages.bytes_held()
            + self.arrivals.bytes_held()
    }

    /// Rows of the translation table, in the order in which they were learned.
    #[must_use]
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Who sent to whom, in the order of first packets, all by the clock of the
    /// innermost capture point.
    #[must_use]
    pub fn contacts(&self) -> Vec<Contact> {
        let ahead = self.clocks.ahead();
        // There are many; a list that grows would lie there twice.
        let mut contacts: Vec<Contact> = Vec::with_capacity(self.contacts.len());
        let handles = self.contacts.handles();
        contacts.extend(handles.filter_map(|handle| self.contacts.get(handle).cloned()));
        for own in &mut contacts {
            let by = -ahead.get(&own.capture_point).copied().unwrap_or(0);
            if by != 0 {
                own.first.timestamp = own.first.timestamp.offset(by);
                own.last = own.last.offset(by);
                own.asked = own.asked.map(|at| at.offset(by));
                own.granted = own.granted.map(|at| at.offset(by));
            }
        }
        contacts.sort_unstable_by_key(|own| {
            let Contact { first, flow, .. } = own;
            (first.timestamp, first.number, *flow, own.capture_point)
        });
        contacts
    }

    /// When a packet passed, by the same clock.
    #[must_use]
    pub fn moment(&self, at: PacketRef) -> Timestamp {
        let ahead = self.clocks.ahead();
        at.timestamp
            .offset(-ahead.get(&at.capture_point).copied().unwrap_or(0))
    }

    /// Tests of the filtering of NATs.
    #[must_use]
    pub fn filter_tests(&self) -> &[FilterTest] {
        &self.filter_tests
    }

    /// The other address of a STUN server that can answer from elsewhere.
    #[must_use]
    pub fn other_address(&self, server: Endpoint) -> Option<Endpoint> {
        self.servers.get(&server).copied()
    }

    /// Bindings that were gone after a silence.
    #[must_use]
    pub fn expiries(&self) -> &[Expiry] {
        &self.expiries
    }

    /// What `nat_uac_test` says of a host that sends from here.
    #[must_use]
    pub fn uac_test(&self, source: Endpoint) -> Option<&UacTest> {
        self.uac_tests.get(&source)
    }

    /// What hosts do to get through.
    #[must_use]
    pub fn efforts(&self) -> &[Effort] {
        &self.efforts
    }

    /// A host did something to get through; each way of it is told once.
    pub(super) fn effort(&mut self, effort: Effort) {
        let key = (effort.host, effort.with, effort.what);
        if self.effort_keys.contains(&key) {
            return;
        }
        if self.efforts.len() >= MAX_NOTES {
            self.missed = self.missed.saturating_add(1);
            return;
        }
        self.effort_keys.insert(key);
        self.efforts.push(effort);
    }

    /// Hosts that opened the way to a peer because they were asked to.
    #[must_use]
    pub fn reversals(&self) -> &[Reversal] {
        &self.reversals
    }

    /// Notes for which there was no room.
    #[must_use]
    pub(super) const fn missed(&self) -> u64 {
        self.missed
    }

    /// SIP messages that were changed between both sides of a NAT.
    #[must_use]
    pub fn rewrites(&self) -> &[Rewrite] {
        &self.rewrites
    }

    /// A binding showed itself. Says whether there was room.
    fn learn(&mut self, found: Translation, how: Learned, at: PacketRef) -> bool {
        let Translation {
            transport,
            inside,
            outside,
            remote,
        } = found;
        let key = (transport, inside, outside, remote);
        let idle = remote.and_then(|remote| {
            let flow = Flow {
                src: inside,
                dst: remote,
                transport,
            };
            match how {
                Learned::Inbound => self.idle_before(flow.reversed(), at),
                _ => self.idle_before(flow, at),
            }
        });
        // After the binding is gone the same port may be given again: only what
        // comes in shows that it stood.
        let shows_life = how == Learned::Inbound;
        if let Some((idle_ns, _)) = idle
            && let Some(remote) = remote
            && inside != outside
            && !self.by_key.contains_key(&key)
            && self.knows(transport, inside, remote)
        {
            if self.expiries.len() < MAX_NOTES {
                self.expiries.push(Expiry {
                    inside,
                    remote,
                    idle_ns,
                    at,
                });
            } else {
                self.missed = self.missed.saturating_add(1);
            }
        }
        if let Some(known) = self.by_key.get(&key)
            && let Some(known) = self.bindings.get_mut(*known)
        {
            known.last = known.last.max(at.timestamp);
            // One that began when the silence ended has not outlived it.
            if let Some((idle_ns, ended)) = idle
                && known.first.timestamp < ended
                && shows_life
            {
                known.outlived_ns = known.outlived_ns.max(idle_ns);
            }
            if !known.is_learned(how) {
                known.learned.push((how, at));
                known.learned.sort_by_key(|(how, _)| *how);
            }
            return true;
        }
        if self.bindings.len() >= self.max_bindings {
            return false;
        }
        self.by_key.insert(key, self.bindings.len());
        self.bindings.push(Binding {
            transport,
            inside,
            outside,
            remote,
            first: at,
            last: at.timestamp,
            learned: SmallVec::from_iter([(how, at)]),
            outlived_ns: 0,
        });
        true
    }

    /// Whether anything is known of an inside endpoint toward a remote.
    fn knows(&self, transport: Transport, inside: Endpoint, remote: Endpoint) -> bool {
        self.bindings.iter().any(|own| {
            own.transport == transport && own.inside == inside && own.remote == Some(remote)
        })
    }

    /// The silence between two endpoints that the last packet ended, and when.
    fn idle_before(&self, flow: Flow, at: PacketRef) -> Option<(i64, Timestamp)> {
        let contact = self.contacts.find(&(at.capture_point, flow))?;
        let contact = self.contacts.get(contact)?;
        let (idle, ended) = contact.idle?;
        // The answer to the packet that ended it, not to a later one.
        (!contact.is_media && at.timestamp.since(ended) < SILENCE_NS).then_some((idle, ended))
    }

    /// A packet passed.
    fn contact(&mut self, at: PacketRef, flow: Flow, count: u64) -> Met {
        let key = (at.capture_point, flow);
        if let Some(handle) = self.contacts.find(&key)
            && let Some(contact) = self.contacts.get_mut(handle)
        {
            let last = contact.last;
            contact.last = last.max(at.timestamp);
            contact.packets += count;
            // Only then does it matter what came back meanwhile.
            if at.timestamp.since(last) >= SILENCE_NS {
                contact.young = YOUNG;
                self.silence(handle, at, flow, last);
                return Met::Lately;
            }
            contact.young = contact.young.saturating_sub(1);
            return if contact.young > 0 {
                Met::Lately
            } else {
                Met::Again
            };
        }
        let contact = Contact {
            flow,
            capture_point: at.capture_point,
            first: at,
            last: at.timestamp,
            packets: count,
            paired: 0,
            passed: 0,
            is_media: false,
            asked: None,
            granted: None,
            idle: None,
            young: YOUNG,
        };
        match self.contacts.insert(key, contact).1 {
            Some(_) => Met::InPlaceOfAnother,
            None => Met::First,
        }
    }

    /// A packet passed long after the last one on the same way.
    fn silence(&mut self, handle: Handle, at: PacketRef, flow: Flow, last: Timestamp) {
        let back = self.contacts.find(&(at.capture_point, flow.reversed()));
        let back = back.and_then(|back| Some(self.contacts.get(back)?.last));
        let last = back.map_or(last, |back| back.max(last));
        let idle = at.timestamp.since(last);
        if idle >= SILENCE_NS
            && let Some(contact) = self.contacts.get_mut(handle)
        {
            contact.idle = Some((idle, at.timestamp));
        }
    }

    /// Media that passed between two endpoints.
    pub(super) fn media(&mut self, at: PacketRef, last: Timestamp, flow: Flow, packets: u64) {
        self.contact(at, flow, packets);
        if let Some(handle) = self.contacts.find(&(at.capture_point, flow))
            && let Some(contact) = self.contacts.get_mut(handle)
        {
            contact.is_media = true;
            contact.last = contact.last.max(last);
            if at.timestamp < contact.first.timestamp {
                contact.first = at;
            }
        }
    }

    /// A STUN exchange is over.
    pub(super) fn exchange(&mut self, exchange: &StunExchange) {
        if let Some(other) = exchange.other_address {
            if self.servers.len() < MAX_NOTES || self.servers.contains_key(&exchange.flow.dst) {
                self.servers.insert(exchange.flow.dst, other);
            } else {
                self.missed = self.missed.saturating_add(1);
            }
        }
        let Some((change_ip, change_port)) = exchange.wanted_change else {
            return;
        };
        if exchange.requested.is_none() {
            return;
        }
        if self.filter_tests.len() >= MAX_NOTES {
            self.missed = self.missed.saturating_add(1);
            return;
        }
        self.filter_tests.push(FilterTest {
            asker: exchange.flow.src,
            server: exchange.flow.dst,
            transaction: self.twins.digest(&exchange.transaction_id),
            change_ip,
            change_port,
            answered_from: exchange.answered_from,
            at: exchange.first,
        });
    }
}

/// Whether two endpoints are known to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    /// They are.
    Again,
    /// They are, since a few packets, or were silent for a while.
    Lately,
    /// They are not.
    First,
    /// They are not, and others had to be forgotten for them.
    InPlaceOfAnother,
}

/// Who is seen as whom by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Translation {
    pub transport: Transport,
    pub inside: Endpoint,
    pub outside: Endpoint,
    pub remote: Option<Endpoint>,
}
