//! Packets in, records out: the engine and all that is concluded from it.
//!
//! Still without files or clocks. After each [`Inspector::handle`],
//! [`Inspector::poll_record`] is asked until it answers `None`;
//! [`Inspector::finish`] makes the rest, the summary last.

mod call_record;
mod case;
mod connection_record;
mod diagnosis;
mod dns_record;
mod fax_record;
mod ice_record;
mod media_record;
mod msrp_record;
mod nat_record;
mod registration_record;
mod scribe;
pub mod selection;
pub mod stats;
mod stream_record;
mod stun_record;
mod subscription_record;
mod summary_record;
mod turn_record;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub use case::{Case, Judged};

use crate::engine::{Config as EngineConfig, Engine, Event, Forwarded};
use crate::link::{self, Decoded};
use crate::nat::usage::Usage;
use crate::packet::{CapturePoint, LinkType, Packet};
use crate::pcap::{self, Secrets};
use crate::report::{DiagnosticCounts, LimitRecord, Record};
use crate::rules::{self, IceContext, NatFinding};
use crate::time::Timestamp;
use case::{Moment, Verdict};
use scribe::Scribe;

/// What is wanted of a run.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What the engine looks for, and its bounds.
    pub engine: EngineConfig,
    /// Whether all transactions become records, not only those outside calls.
    pub transactions: bool,
    /// Whether digits are shown as they are.
    pub show_digits: bool,
    /// Only this call: its `#`, its Call-ID or the beginning of it, or a user.
    pub call: Option<String>,
    /// Whether nothing is held against the rules.
    pub no_rules: bool,
    /// How strictly is judged.
    pub profile: rules::Profile,
    /// Secrets to verify digest responses with.
    pub credentials: Vec<rules::Credential>,
    /// Only calls: no registrations, pings or streams outside calls.
    pub calls_only: bool,
}

/// Where packets come from, as records name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointInfo {
    /// The file.
    pub file: String,
    /// The interface, by name or number.
    pub interface: String,
    /// What its frames begin with.
    pub link_type: LinkType,
    /// Digits of the second that its clock has.
    pub digits: u8,
    /// Packets dropped by the capturing system, where it says.
    pub dropped: Option<u64>,
}

/// Packets in, records out.
#[derive(Debug)]
pub struct Inspector {
    scribe: Arc<Scribe>,
    engine: Engine,
    packets: Vec<u64>,
    /// What is to be told before anything that happens later.
    pending: VecDeque<Pending>,
    /// The ticket of the first of these.
    first_ticket: u64,
    /// Cases that somebody else is to judge; `None` where none is left to them.
    cases: Option<VecDeque<Case>>,
    records: VecDeque<Record>,
    /// What is to be sent on.
    forwards: VecDeque<Forwarded>,
    phase: Phase,
    incomplete: Vec<String>,
    outcomes: BTreeMap<String, u64>,
    calls: u64,
    streams: u64,
    stun_exchanges: u64,
    turn_allocations: u64,
    ice_sessions: u64,
    registrations: u64,
    connections: u64,
    dns_lookups: u64,
    subscriptions: u64,
    diagnostics: u64,
    nat_usage: Usage,
    /// Findings of the NAT family about calls, told with the others.
    nat_notes: Vec<NatFinding>,
    severities: DiagnosticCounts,
    callers: rules::Callers,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Reading,
    /// What is still open is closed.
    Ending,
    /// All is told, or about to be.
    Over,
}

/// What waits to be told.
#[derive(Debug)]
enum Pending {
    Event(Event, Moment),
    /// Somebody else judges it.
    Left,
    Judged(Verdict),
}

impl Inspector {
    /// An inspector that has seen nothing.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            engine: Engine::new(config.engine.clone()),
            callers: rules::Callers::new(config.engine.limits.callers),
            scribe: Arc::new(Scribe {
                config,
                files: Vec::new(),
                points: Vec::new(),
            }),
            packets: Vec::new(),
            pending: VecDeque::new(),
            first_ticket: 0,
            cases: None,
            records: VecDeque::new(),
            forwards: VecDeque::new(),
            phase: Phase::Reading,
            incomplete: Vec::new(),
            outcomes: BTreeMap::new(),
            calls: 0,
            streams: 0,
            stun_exchanges: 0,
            turn_allocations: 0,
            ice_sessions: 0,
            registrations: 0,
            connections: 0,
            dns_lookups: 0,
            subscriptions: 0,
            diagnostics: 0,
            nat_usage: Usage::default(),
            nat_notes: Vec::new(),
            severities: DiagnosticCounts::default(),
        }
    }

    /// Names a file that is read; packets refer to them by their places.
    pub fn add_file(&mut self, file: String) {
        Arc::make_mut(&mut self.scribe).files.push(file);
    }

    /// Names a capture point; packets refer to it by the number handed back.
    pub fn add_point(&mut self, point: PointInfo) -> CapturePoint {
        let points = &mut Arc::make_mut(&mut self.scribe).points;
        let number = u16::try_from(points.len()).unwrap_or(u16::MAX);
        points.push(point);
        self.packets.push(0);
        CapturePoint(number)
    }

    /// Secrets that a file holds, for what comes from now on.
    pub fn add_secrets(&mut self, secrets: &Secrets) {
        if secrets.kind == pcap::TLS_KEY_LOG {
            self.engine.add_keys(&secrets.data);
        }
    }

    /// What is known of drops at a capture point.
    pub fn set_dropped(&mut self, point: CapturePoint, dropped: u64) {
        let points = &mut Arc::make_mut(&mut self.scribe).points;
        if let Some(point) = points.get_mut(usize::from(point.0)) {
            point.dropped = Some(dropped);
        }
    }

    /// From now on calls are left to others to judge: [`Inspector::poll_case`]
    /// hands them out, [`Inspector::settle`] takes what came of them. Records
    /// come in the same order as ever.
    pub fn leave_cases(&mut self) {
        self.cases.get_or_insert_default();
    }

    /// How many calls wait for somebody to judge them.
    #[must_use]
    pub fn cases(&self) -> usize {
        self.cases.as_ref().map_or(0, VecDeque::len)
    }

    /// The next call to judge.
    pub fn poll_case(&mut self) -> Option<Case> {
        self.cases.as_mut()?.pop_front()
    }

    /// Takes what is concluded of a call.
    pub fn settle(&mut self, judged: Judged) {
        let place = judged.ticket.wrapping_sub(self.first_ticket);
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if let Some(pending) = self.pending.get_mut(place) {
            *pending = Pending::Judged(judged.verdict);
        }
    }

    /// No case is settled any more: those that are not are lost, and it is said
    /// that they are.
    pub fn give_up_cases(&mut self) {
        self.cases = None;
        let mut lost = 0;
        for pending in &mut self.pending {
            if matches!(pending, Pending::Left) {
                *pending = Pending::Judged(Verdict::Nothing);
                lost += 1;
            }
        }
        if lost > 0 {
            self.incomplete(format!("{lost} calls were not judged"));
        }
    }

    /// How much waits to be told.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Says that something of the input is missing.
    pub fn incomplete(&mut self, reason: String) {
        self.incomplete.push(reason);
    }

    /// Packets taken so far.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.engine.counters().packets
    }

    /// Takes one packet.
    #[inline]
    pub fn handle(&mut self, packet: &Packet<'_>) {
        self.handle_decoded(&link::decode(packet));
    }

    /// Takes one packet that is decoded already.
    #[inline]
    pub fn handle_decoded(&mut self, decoded: &Decoded<'_>) {
        let point = usize::from(decoded.at.capture_point.0);
        if let Some(count) = self.packets.get_mut(point) {
            *count += 1;
        }
        self.engine.handle(decoded);
        while let Some(event) = self.engine.poll_event() {
            self.event(event);
        }
    }

    /// Tells the time while no packet does.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.engine.handle_timeout(now);
        while let Some(event) = self.engine.poll_event() {
            self.event(event);
        }
    }

    /// The next record. `None`: there is none yet, or none before a call is
    /// judged that was left to somebody.
    #[inline]
    pub fn poll_record(&mut self) -> Option<Record> {
        // So it is after nearly every packet.
        let is_quiet = self.records.is_empty() && self.pending.is_empty();
        if is_quiet && self.phase != Phase::Ending {
            return None;
        }
        self.next_record()
    }

    fn next_record(&mut self) -> Option<Record> {
        loop {
            if let Some(record) = self.records.pop_front() {
                return Some(record);
            }
            match self.pending.front() {
                Some(Pending::Left) => return None,
                Some(_) => {
                    self.first_ticket += 1;
                    match self.pending.pop_front() {
                        Some(Pending::Event(event, moment)) => self.tell(event, moment),
                        Some(Pending::Judged(verdict)) => self.tell_verdict(verdict),
                        Some(Pending::Left) | None => {}
                    }
                }
                None if self.phase != Phase::Ending => return None,
                None => {
                    if !self.pull() {
                        self.conclude();
                    }
                }
            }
        }
    }

    /// What is to be sent on, where that was asked for.
    pub fn poll_forward(&mut self) -> Option<Forwarded> {
        self.forwards.pop_front()
    }

    /// Closes one more of what is open at the end. Says whether there was one.
    pub fn pull(&mut self) -> bool {
        if self.phase != Phase::Ending {
            return false;
        }
        let Some(event) = self.engine.poll_event() else {
            return false;
        };
        self.event(event);
        true
    }

    /// Ends the run: the rest comes as [`Inspector::poll_record`] is asked for
    /// it.
    pub fn finish(&mut self) {
        if self.phase == Phase::Reading {
            self.engine.finish();
            self.phase = Phase::Ending;
        }
    }

    /// What is told when everything else is.
    fn conclude(&mut self) {
        self.phase = Phase::Over;
        if self.scribe.config.call.is_none() {
            self.tell_nats();
        }
        let limits = self.engine.counters().limits.clone();
        for (number, (limit, (count, at))) in limits.into_iter().enumerate() {
            let first_at = self.scribe.stamp(CapturePoint(0), at);
            if limit.costs_results() {
                let name = limit.name();
                self.incomplete
                    .push(format!("the bound on {name} was reached {count} times"));
            }
            self.records.push_back(Record::Limit(LimitRecord {
                id: format!("limit-{}", number + 1),
                limit: limit.name().to_owned(),
                count,
                first_at,
                costs_results: limit.costs_results(),
            }));
        }
        let summary = self.summary();
        self.records.push_back(Record::Summary(Box::new(summary)));
    }

    /// Something was learned: it is told when all before it is.
    fn event(&mut self, event: Event) {
        let counters = self.engine.counters();
        let is_lossy = counters.stream_octets_missing > 0
            || counters.truncated_messages > 0
            || (self.scribe.points.iter()).any(|point| point.dropped > Some(0));
        let moment = Moment {
            until: counters.last.unwrap_or_default(),
            is_lossy,
        };
        let ticket = self.first_ticket + self.pending.len() as u64;
        let case = |closed, is_stray| Case {
            ticket,
            scribe: Arc::clone(&self.scribe),
            closed,
            is_stray,
            moment,
        };
        let case = match event {
            Event::Forward(forwarded) => {
                self.forwards.push_back(*forwarded);
                return;
            }
            Event::Call(closed) => {
                self.nat_usage.call(&closed);
                case(closed, false)
            }
            Event::Stray(closed) => {
                let config = &self.scribe.config;
                if config.calls_only || config.call.is_some() {
                    return;
                }
                case(closed, true)
            }
            other => {
                self.pending.push_back(Pending::Event(other, moment));
                return;
            }
        };
        let pending = match &mut self.cases {
            Some(cases) => {
                cases.push_back(case);
                Pending::Left
            }
            None => Pending::Judged(case.judge().verdict),
        };
        self.pending.push_back(pending);
    }

    fn tell(&mut self, event: Event, moment: Moment) {
        let scribe = Arc::clone(&self.scribe);
        let config = &scribe.config;
        match event {
            // These are cases.
            Event::Call(_) | Event::Stray(_) | Event::Forward(_) => {}
            Event::Message(message) => {
                let record = scribe.message(*message);
                if scribe.wants_call(None, record.call_id.as_deref(), &[]) {
                    self.records.push_back(Record::Message(Box::new(record)));
                }
            }
            Event::Connection(connection) => {
                if !config.calls_only && config.call.is_none() {
                    self.connections += 1;
                    let findings =
                        scribe.found(|profile| rules::judge_connection(&connection, profile));
                    let record = scribe.connection(*connection);
                    let call_id = record.call_id.clone();
                    self.diagnose(
                        "connection",
                        &record.id,
                        call_id.as_deref(),
                        &findings,
                        moment,
                    );
                    self.records.push_back(Record::Connection(Box::new(record)));
                }
            }
            Event::Dns(lookup) => {
                let of_call = lookup.call_id.is_some();
                if (of_call || !config.calls_only)
                    && scribe.wants_call(None, lookup.call_id.as_deref(), &[])
                {
                    self.dns_lookups += 1;
                    let findings = scribe.found(|profile| rules::judge_lookup(&lookup, profile));
                    let record = scribe.dns_lookup(*lookup);
                    let call_id = record.call_id.clone();
                    self.diagnose(
                        "dns_lookup",
                        &record.id,
                        call_id.as_deref(),
                        &findings,
                        moment,
                    );
                    self.records.push_back(Record::DnsLookup(Box::new(record)));
                }
            }
            Event::Registration(registration) => {
                let user = registration.address_of_record.split('@').next();
                let user = user.unwrap_or_default().to_owned();
                let call_id = registration.call_ids.first().cloned();
                if !config.calls_only && scribe.wants_call(None, call_id.as_deref(), &[&user]) {
                    self.registrations += 1;
                    let findings =
                        rules::judge_registration(&registration, moment.facts(), config.profile);
                    let mut record = scribe.registration(*registration, moment.until);
                    record.diagnostics = self.diagnose(
                        "registration",
                        &record.id,
                        call_id.as_deref(),
                        &findings,
                        moment,
                    );
                    self.records
                        .push_back(Record::Registration(Box::new(record)));
                }
            }
            Event::Stun(exchange) => {
                self.nat_usage.exchange(&exchange);
                let of_call = exchange.call_id.is_some();
                if (of_call || !config.calls_only)
                    && scribe.wants_call(None, exchange.call_id.as_deref(), &[])
                {
                    self.stun_exchanges += 1;
                    let findings = scribe
                        .found(|profile| rules::judge_stun(&exchange, moment.facts(), profile));
                    let record = scribe.stun_exchange(*exchange, moment.until);
                    let call_id = record.call_id.clone();
                    self.diagnose(
                        "stun_exchange",
                        &record.id,
                        call_id.as_deref(),
                        &findings,
                        moment,
                    );
                    self.records
                        .push_back(Record::StunExchange(Box::new(record)));
                }
            }
            Event::Turn(allocation) => {
                let call_id = allocation.call_id.as_deref();
                let of_call = call_id.is_some();
                if (of_call || !config.calls_only) && scribe.wants_call(None, call_id, &[]) {
                    self.turn_allocations += 1;
                    let findings = scribe
                        .found(|profile| rules::judge_turn(&allocation, moment.facts(), profile));
                    let record = scribe.turn_allocation(*allocation, moment.until);
                    let call_id = record.call_id.clone();
                    self.diagnose(
                        "turn_allocation",
                        &record.id,
                        call_id.as_deref(),
                        &findings,
                        moment,
                    );
                    self.records
                        .push_back(Record::TurnAllocation(Box::new(record)));
                }
            }
            Event::Ice(session) => {
                let call_id = session.call_id.as_deref();
                if !config.calls_only && scribe.wants_call(None, call_id, &[]) {
                    self.ice_sessions += 1;
                    let context = IceContext {
                        session: &session,
                        sessions: &[],
                        streams: &[],
                        hung_up: None,
                        capture: moment.facts(),
                    };
                    let findings = scribe.found(|profile| rules::judge_ice(&context, profile));
                    let record = scribe.ice_session(&session, 1, moment.until);
                    self.diagnose("ice_session", &record.id, call_id, &findings, moment);
                    self.records.push_back(Record::IceSession(Box::new(record)));
                }
            }
            Event::Stream(stream) => {
                if !config.calls_only && config.call.is_none() {
                    self.streams += 1;
                    let record = scribe.stream(&stream, None);
                    self.records.push_back(Record::RtpStream(Box::new(record)));
                }
            }
        }
    }

    fn tell_verdict(&mut self, verdict: Verdict) {
        let verdict = match verdict {
            Verdict::Nothing => return,
            Verdict::Stray(told) => {
                self.number(told);
                return;
            }
            Verdict::Call(verdict) => *verdict,
        };
        let ids = self.number(verdict.diagnostics);
        if let Some(mut record) = verdict.record {
            self.calls += 1;
            *self.outcomes.entry(record.outcome.clone()).or_default() += 1;
            record.root_cause = verdict.root.and_then(|root| ids.get(root).cloned());
            record.diagnostics = ids;
            self.records.push_back(Record::Call(Box::new(record)));
        }
        if let Some((ended, moment)) = verdict.attempt {
            self.count_attempt(&ended, moment);
        }
        for mut record in verdict.subscriptions {
            self.subscriptions += 1;
            record.id = format!("subscription-{}", self.subscriptions);
            self.records
                .push_back(Record::Subscription(Box::new(record)));
        }
        for record in verdict.streams {
            self.streams += 1;
            self.records.push_back(Record::RtpStream(Box::new(record)));
        }
        for record in verdict.ice_sessions {
            self.ice_sessions += 1;
            self.records.push_back(Record::IceSession(Box::new(record)));
        }
        for record in verdict.transactions {
            self.records
                .push_back(Record::Transaction(Box::new(record)));
        }
    }
}
