//! Registrations as the registrar holds them (RFC 3261, 10).

use super::Engine;
use super::call::{Facts, Seen};
use super::limits::{Limit, Limits, Passed};
use super::table::{Entry, Handle};
use crate::net::{Endpoint, Flow, is_private};
use crate::octets;
use crate::packet::PacketRef;
use crate::sip::header::{HeaderName, NameAddr, auth_params};
use crate::sip::{SipMessage, split_host_port};
use crate::time::{SECOND, Timestamp};

/// A device at a registrar, for one address of record.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Unique in the run, in the order of first messages.
    pub serial: u64,
    /// Call-IDs it used, the first few.
    pub call_ids: Vec<String>,
    /// The address of record, `user@host`.
    pub address_of_record: String,
    /// Who keeps it, as the first hop has it.
    pub registrar: Endpoint,
    /// From where it is sent.
    pub source: Endpoint,
    /// From where it is seen to come: by a server, or beyond a NAT.
    pub received: Option<Endpoint>,
    /// The contact.
    pub contact: Option<String>,
    /// `+sip.instance` (RFC 5626).
    pub instance: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// Its first message.
    pub first: PacketRef,
    /// Its last message.
    pub last: Timestamp,
    /// The last final response.
    pub last_status: Option<u16>,
    /// Seconds asked for.
    pub expires_requested: Option<u64>,
    /// Seconds granted.
    pub expires_granted: Option<u64>,
    /// When it was last granted.
    pub granted_at: Option<Timestamp>,
    /// Whether it was taken back.
    pub is_removed: bool,
    /// Times it was granted after the first.
    pub refreshes: u64,
    /// Between the last two times it was granted.
    pub refresh_interval_ns: Option<i64>,
    /// The longest time that it had run out before it was refreshed.
    pub gap_ns: Option<i64>,
    /// Times credentials were asked for.
    pub challenges: u64,
    /// Times credentials were refused.
    pub auth_failures: u64,
    /// The user in the credentials.
    pub auth_user: Option<String>,
    /// The realm.
    pub auth_realm: Option<String>,
    /// The hash.
    pub auth_algorithm: Option<String>,
    /// Whether a nonce was refused as too old.
    pub stale: bool,
    /// From the first REGISTER of an attempt to its 200, the last one.
    pub delay_ns: Option<i64>,
    /// Bindings that the last 200 listed.
    pub bindings: Vec<Binding>,
    /// What happened, the first so many.
    pub events: Vec<RegistrationEvent>,
    /// All that happened, counted.
    pub events_total: u64,
    /// Attempts that were answered: granted, taken back or failed.
    pub attempts: u64,
    /// Attempts that failed otherwise than by a challenge.
    pub failures: u64,
    /// Keep-alives of the device, and of the server (RFC 5626, 3.5).
    pub keep_alives: [KeepAlives; 2],
    /// The flow that its last REGISTER came on.
    flow: Flow,
    /// When the attempt that is under way began.
    attempt_began: Option<Timestamp>,
    /// Whether its last request had credentials.
    had_credentials: bool,
    /// Whether its last request took it back.
    removes: bool,
    passed: Passed,
}

/// Datagrams and empty lines that hold a NAT open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepAlives {
    /// How many.
    pub count: u64,
    first: Timestamp,
    last: Timestamp,
}

impl KeepAlives {
    fn add(&mut self, at: Timestamp) {
        if self.count == 0 {
            self.first = at;
        }
        self.count = self.count.saturating_add(1);
        self.last = self.last.max(at);
    }

    /// The mean time between two of them.
    #[must_use]
    pub fn interval_ns(&self) -> Option<i64> {
        let intervals = i64::try_from(self.count.checked_sub(1)?).ok()?;
        self.last.since(self.first).checked_div(intervals)
    }
}

/// A binding (RFC 3261, 10.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where the device is reached.
    pub contact: String,
    /// For how many more seconds.
    pub expires: Option<u64>,
}

/// Something that happened to a registration.
#[derive(Clone, Copy, Debug)]
pub struct RegistrationEvent {
    /// When and where.
    pub at: PacketRef,
    /// What.
    pub kind: RegistrationEventKind,
    /// The status of a response.
    pub status: Option<u16>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationEventKind {
    /// A REGISTER.
    Register,
    /// A REGISTER that takes the binding back.
    Unregister,
    /// Credentials are asked for.
    Challenged,
    /// Credentials are refused.
    Refused,
    /// It is granted.
    Granted,
    /// It is granted again.
    Refreshed,
    /// It is taken back.
    Removed,
    /// It failed otherwise.
    Failed,
}

impl RegistrationEventKind {
    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Unregister => "unregister",
            Self::Challenged => "challenged",
            Self::Refused => "refused",
            Self::Granted => "granted",
            Self::Refreshed => "refreshed",
            Self::Removed => "removed",
            Self::Failed => "failed",
        }
    }
}

/// Address of record, registrar, and what tells the device.
pub(super) type RegistrationKey = (String, Endpoint, String);

/// A registration that ran out is forgotten after this.
pub(super) const FORGET_NS: i64 = 3600 * SECOND;

impl Registration {
    fn event(
        &mut self,
        at: PacketRef,
        kind: RegistrationEventKind,
        status: Option<u16>,
        limits: &Limits,
    ) {
        use RegistrationEventKind::{Failed, Granted, Refreshed, Removed};
        self.events_total = self.events_total.saturating_add(1);
        let answered = matches!(kind, Granted | Refreshed | Removed | Failed);
        self.attempts = self.attempts.saturating_add(u64::from(answered));
        self.failures = self.failures.saturating_add(u64::from(kind == Failed));
        if self.events.len() < limits.events_per_registration {
            self.events.push(RegistrationEvent { at, kind, status });
        }
    }

    /// Where it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        let runs_out = self
            .granted_at
            .zip(self.expires_granted)
            .map(|(at, seconds)| {
                at.offset(
                    i64::try_from(seconds)
                        .unwrap_or(i64::MAX / SECOND)
                        .saturating_mul(SECOND),
                )
            });
        match (self.is_removed, runs_out, self.last_status) {
            (true, ..) => "unregistered",
            (_, Some(at), _) if at >= now => "registered",
            (_, Some(_), _) => "expired",
            (_, None, Some(401 | 407)) => "challenged",
            (_, None, Some(_)) => "failed",
            (_, None, None) => "pending",
        }
    }

    /// Whether nothing more is to be expected of it.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.last) > FORGET_NS && self.state(now) != "registered"
    }

    fn request(&mut self, facts: &Facts<'_, '_>, limits: &Limits) {
        let message = facts.message;
        let at = facts.at;
        self.attempt_began.get_or_insert(at.timestamp);
        self.expires_requested = requested(message).or(self.expires_requested);
        let star = message.value(HeaderName::Contact) == Some(b"*");
        self.removes = star || requested(message) == Some(0);
        let kind = if self.removes {
            RegistrationEventKind::Unregister
        } else {
            RegistrationEventKind::Register
        };
        self.event(at, kind, None, limits);
        let credentials = message
            .value(HeaderName::Authorization)
            .or_else(|| message.value(HeaderName::ProxyAuthorization));
        self.had_credentials = credentials.is_some();
        if let Some(credentials) = credentials {
            let params = auth_params(credentials);
            let keep = |value: Option<&[u8]>| value.map(octets::text);
            self.auth_user = keep(params.username).or_else(|| self.auth_user.take());
            self.auth_realm = keep(params.realm).or_else(|| self.auth_realm.take());
            self.auth_algorithm = keep(params.algorithm).or_else(|| Some("MD5".to_owned()));
        }
        if let Some(agent) = message.value(HeaderName::UserAgent) {
            self.user_agent = Some(octets::text(agent));
        }
    }

    fn response(&mut self, facts: &Facts<'_, '_>, status: u16, limits: &Limits) {
        if status < 200 {
            return;
        }
        let at = facts.at;
        self.last_status = Some(status);
        match status {
            200..=299 => self.granted(facts, limits),
            401 | 407 => {
                self.challenges = self.challenges.saturating_add(1);
                let challenge = facts
                    .message
                    .value(HeaderName::WwwAuthenticate)
                    .or_else(|| facts.message.value(HeaderName::ProxyAuthenticate));
                let params = challenge.map(auth_params).unwrap_or_default();
                self.auth_realm = params
                    .realm
                    .map(octets::text)
                    .or_else(|| self.auth_realm.take());
                self.stale |= params.stale;
                let refused = self.had_credentials && !params.stale;
                self.auth_failures = self.auth_failures.saturating_add(u64::from(refused));
                let kind = if refused {
                    RegistrationEventKind::Refused
                } else {
                    RegistrationEventKind::Challenged
                };
                self.event(at, kind, Some(status), limits);
            }
            _ => {
                self.attempt_began = None;
                self.event(at, RegistrationEventKind::Failed, Some(status), limits);
            }
        }
    }

    fn granted(&mut self, facts: &Facts<'_, '_>, limits: &Limits) {
        let (message, at) = (facts.message, facts.at);
        let now = at.timestamp;
        self.delay_ns = self.attempt_began.take().map(|began| now.since(began));
        self.bindings = message
            .values(HeaderName::Contact)
            .take(limits.bindings)
            .map(|value| {
                let contact = NameAddr::parse(value);
                Binding {
                    contact: octets::text(contact.uri),
                    expires: contact.parameter("expires").and_then(octets::decimal),
                }
            })
            .collect();
        let more = message
            .values(HeaderName::Contact)
            .nth(limits.bindings)
            .is_some();
        self.passed.unless(!more, Limit::Bindings);
        if self.removes {
            self.is_removed = true;
            self.granted_at = None;
            self.event(at, RegistrationEventKind::Removed, Some(200), limits);
            return;
        }
        self.is_removed = false;
        let own = self.contact.as_deref().and_then(|contact| {
            self.bindings
                .iter()
                .find(|binding| binding.contact == contact)
        });
        let granted = own
            .and_then(|binding| binding.expires)
            .or_else(|| message.value(HeaderName::Expires).and_then(octets::decimal))
            .or(self.expires_requested);
        if let Some(before) = self.granted_at {
            let since = now.since(before);
            self.refreshes = self.refreshes.saturating_add(1);
            self.refresh_interval_ns = Some(since);
            let lasted = i64::try_from(self.expires_granted.unwrap_or_default())
                .unwrap_or(i64::MAX / SECOND)
                .saturating_mul(SECOND);
            let gap = since.saturating_sub(lasted);
            if gap > 0 && self.expires_granted.is_some() {
                self.gap_ns = Some(self.gap_ns.unwrap_or(0).max(gap));
            }
            self.event(at, RegistrationEventKind::Refreshed, Some(200), limits);
        } else {
            self.event(at, RegistrationEventKind::Granted, Some(200), limits);
        }
        self.expires_granted = granted;
        self.granted_at = Some(now);
    }
}

impl Entry for Registration {
    fn last_seen(&self) -> Timestamp {
        self.last
    }

    fn rank(&self) -> u8 {
        u8::from(self.granted_at.is_some())
    }
}

/// Seconds that a REGISTER asks for (RFC 3261, 10.2.1.1).
fn requested(message: &SipMessage<'_>) -> Option<u64> {
    message
        .contact()
        .and_then(|contact| contact.parameter("expires"))
        .or_else(|| message.value(HeaderName::Expires))
        .and_then(|seconds| octets::decimal(seconds.trim_ascii()))
}

impl Engine {
    /// Takes a REGISTER or its response on the device's own hop.
    pub(super) fn register(
        &mut self,
        facts: &Facts<'_, '_>,
        call: Handle,
        transaction: usize,
        seen: Seen,
    ) {
        let limits = self.config.limits;
        let known = self
            .calls
            .get(call)
            .and_then(|call| call.transactions.get(transaction))
            .and_then(|transaction| transaction.registration);
        if seen == Seen::Duplicate {
            // The same request beyond a NAT shows where it seems to come from.
            if let Some(registration) = known.and_then(|known| self.registrations.get_mut(known))
                && !facts.is_response
                && facts.flow.src.ip != registration.source.ip
            {
                let (outside, inside) = if is_private(registration.source.ip) {
                    (facts.flow.src, registration.source)
                } else {
                    (registration.source, facts.flow.src)
                };
                registration.received = Some(outside);
                registration.source = inside;
            }
            return;
        }
        if facts.message.via_count() > 1 || seen == Seen::Retransmission {
            return;
        }
        if facts.is_response {
            let Some(registration) = known.and_then(|known| self.registrations.get_mut(known))
            else {
                return;
            };
            registration.last = facts.at.timestamp;
            if let Ok(via) = facts.message.top_via() {
                let text = |value: &[u8]| octets::text(value);
                let ip = via
                    .received
                    .and_then(|ip| text(split_host_port(ip).0).parse().ok());
                let port = via.rport.and_then(|port| text(port).parse().ok());
                let own = registration.source;
                let seen_from = Endpoint::new(ip.unwrap_or(own.ip), port.unwrap_or(own.port));
                if seen_from != own {
                    registration.received = Some(seen_from);
                }
            }
            registration.response(facts, facts.status.unwrap_or_default(), &limits);
            for limit in std::mem::take(&mut registration.passed) {
                self.limit(limit);
            }
            return;
        }
        let Some(to) = facts.message.to() else { return };
        let uri = to.parsed_uri();
        let address_of_record = format!(
            "{}@{}",
            octets::text(uri.user_name()),
            octets::text(uri.host)
        );
        let contact = facts.message.contact();
        let instance = contact
            .and_then(|contact| contact.parameter("+sip.instance"))
            .map(|instance| octets::text(instance).trim_matches(['<', '>']).to_owned());
        let contact = contact
            .map(|contact| octets::text(contact.uri))
            .filter(|contact| contact != "*" && !contact.is_empty());
        let device = instance
            .clone()
            .or_else(|| contact.clone())
            .unwrap_or_else(|| facts.flow.src.to_string());
        let key: RegistrationKey = (address_of_record.clone(), facts.flow.dst, device);
        // Without a contact it speaks of whatever device is there.
        let handle = known
            .or_else(|| self.registrations.find(&key))
            .unwrap_or_else(|| {
                let serial = self.next_registration;
                self.next_registration += 1;
                let registration = Registration {
                    serial,
                    call_ids: Vec::new(),
                    address_of_record,
                    registrar: facts.flow.dst,
                    source: facts.flow.src,
                    received: None,
                    contact,
                    instance,
                    user_agent: None,
                    first: facts.at,
                    last: facts.at.timestamp,
                    last_status: None,
                    expires_requested: None,
                    expires_granted: None,
                    granted_at: None,
                    is_removed: false,
                    refreshes: 0,
                    refresh_interval_ns: None,
                    gap_ns: None,
                    challenges: 0,
                    auth_failures: 0,
                    auth_user: None,
                    auth_realm: None,
                    auth_algorithm: None,
                    stale: false,
                    delay_ns: None,
                    bindings: Vec::new(),
                    events: Vec::new(),
                    events_total: 0,
                    attempts: 0,
                    failures: 0,
                    passed: Passed::default(),
                    keep_alives: [KeepAlives::default(); 2],
                    flow: facts.flow.carrier(),
                    attempt_began: None,
                    had_credentials: false,
                    removes: false,
                };
                if self.registrations.len() >= limits.registrations {
                    self.limit(Limit::Registrations);
                    if let Some(worst) = self.registrations.worst() {
                        self.close_registration(worst);
                    }
                }
                let (handle, _) = self.registrations.insert(key, registration);
                handle
            });
        if let Some(transaction) = self
            .calls
            .get_mut(call)
            .and_then(|call| call.transactions.get_mut(transaction))
        {
            transaction.registration = Some(handle);
        }
        let Some(registration) = self.registrations.get_mut(handle) else {
            return;
        };
        let before = std::mem::replace(&mut registration.flow, facts.flow.carrier());
        registration.last = facts.at.timestamp;
        let call_id = facts
            .message
            .call_id()
            .map(octets::text)
            .unwrap_or_default();
        if !registration.call_ids.contains(&call_id) {
            let room = registration.call_ids.len() < limits.call_ids_per_registration;
            registration
                .passed
                .unless(room, Limit::CallIdsPerRegistration);
            if room {
                registration.call_ids.push(call_id);
            }
        }
        registration.request(facts, &limits);
        for limit in std::mem::take(&mut registration.passed) {
            self.limit(limit);
        }
        self.registration_flows.remove(&before);
        self.registration_flows.insert(facts.flow.carrier(), handle);
    }

    /// Something that holds a flow open: it may be a device's.
    pub(super) fn keep_alive(&mut self, at: PacketRef, flow: Flow) {
        for (flow, by_server) in [(flow, 0), (flow.reversed(), 1)] {
            let known = self.registration_flows.get(&flow);
            if let Some(registration) = known.and_then(|&known| self.registrations.get_mut(known))
                && let Some(kept) = registration.keep_alives.get_mut(by_server)
            {
                kept.add(at.timestamp);
            }
        }
    }

    pub(super) fn close_registration(&mut self, handle: Handle) {
        if let Some(registration) = self.registrations.remove(handle) {
            self.registration_flows.remove(&registration.flow);
            self.events
                .push_back(super::Event::Registration(Box::new(registration)));
        }
    }
}
