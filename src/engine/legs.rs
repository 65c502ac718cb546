//! Calls that are legs of one: a B2BUA answers one and makes another.
//!
//! What says so is ranked: an identity that is made to pass a B2BUA before names it
//! chose, these before what both legs have in common. Legs are tied, never merged.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::Engine;
use super::call::{Facts, Tie, digest};
use super::table::Handle;
use crate::net::Endpoint;
use crate::octets;
use crate::sip::Method;
use crate::sip::header::{HeaderName, NameAddr};
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// Identities that are remembered.
const MAX_KEYS: usize = 16 * 1024;
/// Calls toward one host that may still be passed on.
const MAX_TOWARD: usize = 64;
/// Hosts toward which there are such calls.
const MAX_HOSTS: usize = 4096;
/// How long a B2BUA may take to make the next leg, where only what both have in
/// common ties them.
const NEAR_NS: i64 = 10 * SECOND;
/// How long an identity may take; a queue holds a call for as long.
const FAR_NS: i64 = 3600 * SECOND;

/// Header fields in which B2BUAs name the other leg, or both the same.
const NAMES: [&str; 9] = [
    "X-CID",
    "X-Call-ID",
    "X-Original-Call-ID",
    "X-Orig-Call-ID",
    "X-Parent-Call-ID",
    "X-Leg-Call-ID",
    "X-Acme-Call-ID",
    "X-Correlation-ID",
    "P-CID",
];

/// What B2BUAs put behind or before a Call-ID that they keep.
const SUFFIXES: [&str; 6] = ["-b2b_1", "_b2b-1", "-b2b", "_b2b", "-leg2", "-1"];
const PREFIXES: [&str; 3] = ["b2b-", "B2B.", "b2bua-"];

/// How two legs are known to be of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bond {
    Conference,
    Parties,
    Media,
    SdpSession,
    CallId,
    Icid,
    Header,
    SessionId,
}

impl Bond {
    /// The name used in records, and how sure it is in percent.
    const fn told(self) -> (&'static str, u8) {
        match self {
            Self::SessionId => ("session-id", 99),
            Self::Header => ("x-header", 95),
            Self::Icid => ("icid", 95),
            Self::CallId => ("call-id", 90),
            Self::SdpSession => ("sdp-session", 85),
            Self::Media => ("media", 85),
            Self::Parties => ("parties", 70),
            Self::Conference => ("conference", 95),
        }
    }
}

/// A call on its way to a host that may pass it on.
#[derive(Debug)]
struct Attempt {
    call: Handle,
    at: Timestamp,
    parties: Option<u64>,
    sdp_session: Option<u64>,
    media: Option<Endpoint>,
}

/// What is remembered of calls that began.
#[derive(Debug, Default)]
pub(super) struct Legs {
    keys: HashMap<u64, (Handle, Timestamp), RandomState>,
    order: VecDeque<u64>,
    toward: HashMap<IpAddr, VecDeque<Attempt>, RandomState>,
    hosts: VecDeque<IpAddr>,
    attempts: usize,
}

impl Legs {
    pub(super) fn bytes_held(&self) -> usize {
        self.order.len() * 48 + self.hosts.len() * 160 + self.attempts * size_of::<Attempt>()
    }

    fn remember(&mut self, key: u64, call: Handle, at: Timestamp) {
        if self.keys.insert(key, (call, at)).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > MAX_KEYS {
            if let Some(oldest) = self.order.pop_front() {
                self.keys.remove(&oldest);
            }
        }
    }

    fn went(&mut self, to: IpAddr, attempt: Attempt) {
        let is_new = !self.toward.contains_key(&to);
        let attempts = self.toward.entry(to).or_default();
        if attempts.len() >= MAX_TOWARD {
            attempts.pop_front();
        } else {
            self.attempts += 1;
        }
        attempts.push_back(attempt);
        if is_new {
            self.hosts.push_back(to);
            if self.hosts.len() > MAX_HOSTS
                && let Some(oldest) = self.hosts.pop_front()
            {
                let gone = self.toward.remove(&oldest);
                let gone = gone.map_or(0, |own| own.len());
                self.attempts = self.attempts.saturating_sub(gone);
            }
        }
    }
}

impl Engine {
    /// A call begins: it may be another leg of one that began before.
    pub(super) fn tie_leg(&mut self, handle: Handle, facts: &Facts<'_, '_>) {
        let now = facts.at.timestamp;
        let keys = identities(facts);
        let mut best: Option<(Bond, Handle, String)> = None;
        let mut offer = |bond: Bond, other: Handle, reason: String| {
            if best.as_ref().is_none_or(|(known, ..)| bond > *known) {
                best = Some((bond, other, reason));
            }
        };
        for (bond, key, what) in &keys {
            let known = self.legs.keys.get(key).copied();
            let known = known.filter(|(other, at)| {
                *other != handle && now.since(*at) <= FAR_NS && self.calls.get(*other).is_some()
            });
            if let Some((other, _)) = known {
                offer(*bond, other, what.clone());
            }
        }
        for (bond, call_id, what) in named_calls(facts) {
            if let Some(other) = self
                .calls
                .find(call_id.as_bytes())
                .filter(|own| *own != handle)
            {
                offer(bond, other, what);
            }
        }
        let attempt = Attempt {
            call: handle,
            at: now,
            parties: parties(facts),
            sdp_session: sdp_session(facts),
            media: facts
                .description()
                .and_then(|own| own.media.first()?.endpoint()),
        };
        if let Some((bond, other, what)) = self.near_leg(facts, &attempt) {
            offer(bond, other, what);
        }
        for (_, key, _) in keys {
            self.legs.remember(key, handle, now);
        }
        self.legs.went(facts.flow.dst.ip, attempt);
        if let Some((bond, other, what)) = best {
            self.tie_legs(other, handle, bond, &what, now);
        }
    }

    /// A side that says that it is the focus of a conference (RFC 4579, 3.1): calls with
    /// the same one have their parties in one room.
    pub(super) fn note_focus(&mut self, handle: Handle, facts: &Facts<'_, '_>) {
        let tells = facts.method == Method::Invite
            && facts
                .status
                .is_none_or(|status| (200..300).contains(&status));
        if !tells {
            return;
        }
        let contact = facts.message.value(HeaderName::Contact);
        let focus = contact.filter(|value| {
            let contact = NameAddr::parse(value);
            contact.parameter("isfocus").is_some()
                || contact.parsed_uri().parameter("isfocus").is_some()
        });
        let (Some(focus), Some(call)) = (focus, self.calls.get_mut(handle)) else {
            return;
        };
        let uri = NameAddr::parse(focus).uri;
        let room = uri.split(|octet| *octet == b';').next().unwrap_or(uri);
        let room = shortened(&octets::text(room));
        let by = match (call.side_of(&facts.from_tag), facts.is_response) {
            (side, false) => side,
            (side, true) => side.other(),
        };
        if call.focus.is_some() {
            return;
        }
        call.focus = Some((by, room.clone()));
        let (key, now) = (digest(("focus", &room)), facts.at.timestamp);
        let known = self.legs.keys.get(&key).copied();
        let known = known.filter(|(other, at)| {
            *other != handle && now.since(*at) <= FAR_NS && self.calls.get(*other).is_some()
        });
        if let Some((other, _)) = known {
            let what = format!("both in the conference {room}");
            self.tie_legs(other, handle, Bond::Conference, &what, now);
        }
        self.legs.remember(key, handle, now);
    }

    /// The call that went to the host from which this one comes, and has what this
    /// one has; none where several do.
    fn near_leg(&self, facts: &Facts<'_, '_>, new: &Attempt) -> Option<(Bond, Handle, String)> {
        let here = facts.flow.src.ip;
        let before = self.legs.toward.get(&here)?;
        let mut found: SmallVec<[(Bond, Handle); 2]> = SmallVec::new();
        for old in before {
            let is_waiting = (self.calls.get(old.call)).is_some_and(|call| call.is_pending());
            if old.call == new.call || new.at.since(old.at) > NEAR_NS || !is_waiting {
                continue;
            }
            let same = |one: Option<u64>, two: Option<u64>| one.is_some() && one == two;
            let bond = if same(old.sdp_session, new.sdp_session) {
                Bond::SdpSession
            } else if old.media.is_some() && old.media == new.media {
                Bond::Media
            } else if same(old.parties, new.parties) {
                Bond::Parties
            } else {
                continue;
            };
            found.push((bond, old.call));
        }
        let (bond, other) = *found.iter().max_by_key(|(bond, _)| *bond)?;
        let rivals = found
            .iter()
            .filter(|(own, call)| *own == bond && *call != other);
        if rivals.count() > 0 {
            return None;
        }
        let what = match bond {
            Bond::SdpSession => "the same session in the SDP",
            Bond::Media => "the same media address",
            _ => "the same From and To",
        };
        Some((
            bond,
            other,
            format!("{what}, from {here} where the other went"),
        ))
    }

    fn tie_legs(&mut self, old: Handle, new: Handle, bond: Bond, what: &str, now: Timestamp) {
        let (kind, score) = bond.told();
        let (Some(first), Some(second)) = (self.calls.get(old), self.calls.get(new)) else {
            return;
        };
        let after = now.since(first.first.timestamp) / MILLISECOND;
        let reason = format!("{what}; {after} ms apart");
        let (first_id, second_id) = (first.call_id.clone(), second.call_id.clone());
        if first.ties.iter().any(|own| own.call_id == second_id) {
            return;
        }
        let limits = self.config.limits;
        for (handle, call_id) in [(old, second_id), (new, first_id)] {
            if let Some(call) = self.calls.get_mut(handle) {
                let tie = Tie {
                    call_id,
                    kind,
                    score,
                    reason: reason.clone(),
                };
                call.tie(tie, &limits);
            }
            self.count_passed(handle);
        }
    }
}

/// Identities in a request that are made to be the same on all legs.
fn identities(facts: &Facts<'_, '_>) -> SmallVec<[(Bond, u64, String); 2]> {
    let mut keys = SmallVec::new();
    let message = facts.message;
    if let Some(value) = message.value(HeaderName::SessionId) {
        // RFC 7989, 5: 32 hexadecimal digits; zeros stand for none.
        let own = value
            .split(|octet| *octet == b';')
            .next()
            .unwrap_or_default()
            .trim_ascii();
        let is_uuid = own.len() == 32 && own.iter().all(u8::is_ascii_hexdigit);
        if is_uuid && own.iter().any(|octet| *octet != b'0') {
            let own = own.to_ascii_lowercase();
            let what = format!("Session-ID {}", octets::text(&own));
            keys.push((Bond::SessionId, digest(("session-id", own)), what));
        }
    }
    for field in message.fields_of(HeaderName::Other) {
        if field.name.eq_ignore_ascii_case(b"P-Charging-Vector") {
            let text = octets::text(field.value);
            let icid = text.split(';').find_map(|part| {
                let (name, value) = part.split_once('=')?;
                let is_icid = name.trim().eq_ignore_ascii_case("icid-value");
                is_icid.then(|| value.trim().trim_matches('"'))
            });
            if let Some(icid) = icid.filter(|icid| !icid.is_empty()) {
                let what = format!("icid-value {}", shortened(icid));
                keys.push((Bond::Icid, digest(("icid", icid)), what));
            }
        } else if let Some(name) = correlating(field.name)
            && field.value.len() >= 8
        {
            let text = octets::text(field.value);
            let what = format!("{name} {}", shortened(&text));
            keys.push((Bond::Header, digest((name, text)), what));
        }
    }
    keys
}

/// Calls that a request names: in a field of its own, or by a Call-ID made of
/// another one.
fn named_calls(facts: &Facts<'_, '_>) -> SmallVec<[(Bond, String, String); 2]> {
    let mut named = SmallVec::new();
    for field in facts.message.fields_of(HeaderName::Other) {
        if let Some(name) = correlating(field.name) {
            let call_id = octets::text(field.value);
            let what = format!("{name} names {}", shortened(&call_id));
            named.push((Bond::Header, call_id, what));
        }
    }
    let call_id = facts
        .message
        .call_id()
        .map(octets::text)
        .unwrap_or_default();
    let bases = SUFFIXES
        .iter()
        .filter_map(|suffix| call_id.strip_suffix(suffix))
        .chain(
            PREFIXES
                .iter()
                .filter_map(|prefix| call_id.strip_prefix(prefix)),
        );
    for base in bases.filter(|base| base.len() >= 8) {
        let what = format!("its Call-ID is made of {}", shortened(base));
        named.push((Bond::CallId, base.to_owned(), what));
    }
    named
}

/// The name of a field in which B2BUAs name a leg.
fn correlating(name: &[u8]) -> Option<&'static str> {
    let is_it = |own: &&&str| own.as_bytes().eq_ignore_ascii_case(name);
    NAMES.iter().find(is_it).copied()
}

/// Who calls whom.
fn parties(facts: &Facts<'_, '_>) -> Option<u64> {
    let from = facts.message.from()?;
    let to = facts.message.to()?;
    let users = (from.parsed_uri().user_name(), to.parsed_uri().user_name());
    (!users.0.is_empty() && !users.1.is_empty()).then(|| digest(users))
}

/// The session that the description names (RFC 8866, 5.2).
fn sdp_session(facts: &Facts<'_, '_>) -> Option<u64> {
    let description = facts.description()?;
    let origin = description.origin.as_ref()?;
    // A number of one digit is a default, not an identity.
    (origin.session_id.len() > 3)
        .then(|| digest((&origin.username, &origin.session_id, origin.address)))
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}
