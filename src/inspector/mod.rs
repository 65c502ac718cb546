//! Packets in, records out: the engine and all that is concluded from it.
//!
//! Still without files or clocks. After each [`Inspector::handle`],
//! [`Inspector::poll_record`] is asked until it answers `None`;
//! [`Inspector::finish`] makes the rest, the summary last.

mod call_record;
mod connection_record;
mod diagnosis;
mod dns_record;
mod media_record;
mod nat_record;
mod registration_record;
pub mod selection;
pub mod stats;
mod stream_record;
mod stun_record;
mod subscription_record;

use std::collections::{BTreeMap, VecDeque};

use crate::engine::call::{ClosedCall, Seen};
use crate::engine::frames::Frames;
use crate::engine::transaction::Transaction;
use crate::engine::{Config as EngineConfig, Engine, Event, MessageSeen};
use crate::link::{self, link_type_name};
use crate::nat::usage::Usage;
use crate::packet::{CapturePoint, LinkType, Packet};
use crate::report::{
    CapturePointRecord, DiagnosticCounts, LimitRecord, MessageRecord, Point, Record, Summary,
    TransactionRecord, milliseconds, rounded,
};
use crate::rules::{self, NatFinding};
use crate::sip::transaction::{State, TRANSACTION_TIMEOUT_NS};
use crate::time::{Timestamp, millis};

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
    config: Config,
    engine: Engine,
    points: Vec<PointInfo>,
    packets: Vec<u64>,
    files: Vec<String>,
    records: VecDeque<Record>,
    is_ending: bool,
    incomplete: Vec<String>,
    outcomes: BTreeMap<String, u64>,
    calls: u64,
    streams: u64,
    stun_exchanges: u64,
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

impl Inspector {
    /// An inspector that has seen nothing.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            engine: Engine::new(config.engine.clone()),
            callers: rules::Callers::new(config.engine.limits.callers),
            config,
            points: Vec::new(),
            packets: Vec::new(),
            files: Vec::new(),
            records: VecDeque::new(),
            is_ending: false,
            incomplete: Vec::new(),
            outcomes: BTreeMap::new(),
            calls: 0,
            streams: 0,
            stun_exchanges: 0,
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

    /// Names a file that is read.
    pub fn add_file(&mut self, file: String) {
        self.files.push(file);
    }

    /// Names a capture point; packets refer to it by the number handed back.
    pub fn add_point(&mut self, point: PointInfo) -> CapturePoint {
        let number = u16::try_from(self.points.len()).unwrap_or(u16::MAX);
        self.points.push(point);
        self.packets.push(0);
        CapturePoint(number)
    }

    /// What is known of drops at a capture point.
    pub fn set_dropped(&mut self, point: CapturePoint, dropped: u64) {
        if let Some(point) = self.points.get_mut(usize::from(point.0)) {
            point.dropped = Some(dropped);
        }
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
        if let Some(count) = self.packets.get_mut(usize::from(packet.capture_point.0)) {
            *count += 1;
        }
        self.engine.handle(&link::decode(packet));
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

    /// The next record.
    pub fn poll_record(&mut self) -> Option<Record> {
        loop {
            if let Some(record) = self.records.pop_front() {
                return Some(record);
            }
            if !self.is_ending {
                return None;
            }
            match self.engine.poll_event() {
                Some(event) => self.event(event),
                None => self.conclude(),
            }
        }
    }

    /// Ends the run: the rest comes as [`Inspector::poll_record`] is asked for
    /// it.
    pub fn finish(&mut self) {
        self.engine.finish();
        self.is_ending = true;
    }

    /// What is told when everything else is.
    fn conclude(&mut self) {
        self.is_ending = false;
        if self.config.call.is_none() {
            self.tell_nats();
        }
        let limits = self.engine.counters().limits.clone();
        for (number, (limit, (count, at))) in limits.into_iter().enumerate() {
            let first_at = self.stamp(CapturePoint(0), at);
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

    fn event(&mut self, event: Event) {
        match event {
            Event::Message(message) => {
                let record = self.message(*message);
                if self.wants_call(None, record.call_id.as_deref(), &[]) {
                    self.records.push_back(Record::Message(Box::new(record)));
                }
            }
            Event::Call(closed) => {
                self.nat_usage.call(&closed);
                self.close(&closed);
            }
            Event::Stray(closed) => {
                if !self.config.calls_only && self.config.call.is_none() {
                    self.judge_stray(&closed);
                }
            }
            Event::Connection(connection) => {
                if !self.config.calls_only && self.config.call.is_none() {
                    self.connections += 1;
                    let findings = rules::judge_connection(&connection, self.config.profile);
                    let record = self.connection(*connection);
                    let call_id = record.call_id.clone();
                    self.diagnose("connection", &record.id, call_id.as_deref(), &findings);
                    self.records.push_back(Record::Connection(Box::new(record)));
                }
            }
            Event::Dns(lookup) => {
                let of_call = lookup.call_id.is_some();
                if (of_call || !self.config.calls_only)
                    && self.wants_call(None, lookup.call_id.as_deref(), &[])
                {
                    self.dns_lookups += 1;
                    let findings = rules::judge_lookup(&lookup, self.config.profile);
                    let record = self.dns_lookup(*lookup);
                    let call_id = record.call_id.clone();
                    self.diagnose("dns_lookup", &record.id, call_id.as_deref(), &findings);
                    self.records.push_back(Record::DnsLookup(Box::new(record)));
                }
            }
            Event::Registration(registration) => {
                let user = registration.address_of_record.split('@').next();
                let user = user.unwrap_or_default().to_owned();
                let call_id = registration.call_ids.first().cloned();
                if !self.config.calls_only && self.wants_call(None, call_id.as_deref(), &[&user]) {
                    self.registrations += 1;
                    let now = self.engine.counters().last.unwrap_or_default();
                    let findings = rules::judge_registration(
                        &registration,
                        self.capture_facts(),
                        self.config.profile,
                    );
                    let mut record = self.registration(*registration, now);
                    record.diagnostics =
                        self.diagnose("registration", &record.id, call_id.as_deref(), &findings);
                    self.records
                        .push_back(Record::Registration(Box::new(record)));
                }
            }
            Event::Stun(exchange) => {
                self.nat_usage.exchange(&exchange);
                let of_call = exchange.call_id.is_some();
                if (of_call || !self.config.calls_only)
                    && self.wants_call(None, exchange.call_id.as_deref(), &[])
                {
                    self.stun_exchanges += 1;
                    let findings =
                        rules::judge_stun(&exchange, self.capture_facts(), self.config.profile);
                    let record = self.stun_exchange(*exchange);
                    let call_id = record.call_id.clone();
                    self.diagnose("stun_exchange", &record.id, call_id.as_deref(), &findings);
                    self.records
                        .push_back(Record::StunExchange(Box::new(record)));
                }
            }
            Event::Stream(stream) => {
                if !self.config.calls_only && self.config.call.is_none() {
                    self.streams += 1;
                    let record = self.stream(&stream, None);
                    self.records.push_back(Record::RtpStream(Box::new(record)));
                }
            }
        }
    }

    fn close(&mut self, closed: &ClosedCall) {
        let call = &closed.call;
        let users: Vec<&str> = [&call.opening.from, &call.opening.to]
            .into_iter()
            .filter_map(|party| party.as_ref()?.user.as_deref())
            .collect();
        if !self.wants_call(call.index, Some(&call.call_id), &users) {
            return;
        }
        if let Some(index) = call.index {
            let mut record = self.call(closed, index);
            self.judge_call(closed, Some(&mut record));
            self.calls += 1;
            *self.outcomes.entry(record.outcome.clone()).or_default() += 1;
            let status = record.final_status;
            self.records.push_back(Record::Call(Box::new(record)));
            self.count_attempt(closed, status);
        } else if self.config.calls_only {
            return;
        } else {
            self.judge_call(closed, None);
        }
        for subscription in &call.subscriptions {
            self.subscriptions += 1;
            let record = self.subscription(subscription, self.subscriptions, closed);
            self.records
                .push_back(Record::Subscription(Box::new(record)));
        }
        for stream in &closed.streams {
            self.streams += 1;
            let record = self.stream(stream, Some(closed));
            self.records.push_back(Record::RtpStream(Box::new(record)));
        }
        if call.index.is_none() || self.config.transactions {
            for transaction in &call.transactions {
                let record = self.transaction(transaction, closed);
                self.records
                    .push_back(Record::Transaction(Box::new(record)));
            }
        }
    }

    /// Whether `--call` lets this one through.
    fn wants_call(&self, index: Option<u64>, call_id: Option<&str>, users: &[&str]) -> bool {
        let Some(wanted) = &self.config.call else {
            return true;
        };
        index.is_some_and(|index| wanted.parse() == Ok(index))
            || call_id.is_some_and(|call_id| {
                let is_number = wanted.bytes().all(|octet| octet.is_ascii_digit());
                call_id == wanted || (!is_number && call_id.starts_with(wanted.as_str()))
            })
            || users.contains(&wanted.as_str())
    }

    fn message(&self, message: MessageSeen) -> MessageRecord {
        let point = message.at.capture_point;
        MessageRecord {
            id: format!("message-{}", message.serial + 1),
            frame: message.at.number,
            file: self.file_of(point),
            capture_point: self.interface_of(point),
            timestamp: self.stamp(point, message.at.timestamp),
            src_ip: message.flow.src.ip.to_string(),
            src_port: message.flow.src.port,
            dst_ip: message.flow.dst.ip.to_string(),
            dst_port: message.flow.dst.port,
            transport: message.flow.transport.name().to_owned(),
            length: message.length,
            fragments: message.fragments,
            kind: if message.is_response {
                "response"
            } else {
                "request"
            }
            .to_owned(),
            method: message.method,
            status: message.status,
            reason_phrase: message.reason_phrase,
            call_id: message.call_id,
            cseq: message.cseq,
            from_tag: message.from_tag,
            to_tag: message.to_tag,
            branch: message.branch,
            user_agent: message.user_agent,
            sdp: message.sdp.as_ref().map(media_record::in_short),
            headers: message.headers.into_iter().collect(),
            retransmission: message.seen == Seen::Retransmission,
            duplicate: message.seen == Seen::Duplicate,
        }
    }

    fn transaction(&self, transaction: &Transaction, closed: &ClosedCall) -> TransactionRecord {
        let point = transaction.first.capture_point;
        let since_start =
            |at: Option<Timestamp>| Some(milliseconds(at?.since(transaction.started?)));
        let response = transaction.final_response.as_ref();
        let waited = transaction.started.map(|started| closed.at.since(started));
        TransactionRecord {
            id: format!("transaction-{}", transaction.serial + 1),
            call_id: closed.call.call_id.clone(),
            method: transaction.method.as_str().to_owned(),
            branch: transaction.branch.clone(),
            cseq: transaction.cseq,
            request_uri: transaction.request_uri.clone(),
            src_ip: transaction.flow.src.ip.to_string(),
            src_port: transaction.flow.src.port,
            dst_ip: transaction.flow.dst.ip.to_string(),
            dst_port: transaction.flow.dst.port,
            transport: transaction.flow.transport.name().to_owned(),
            capture_point: self.interface_of(point),
            started: transaction.started.map(|at| self.stamp(point, at)),
            first_response_ms: since_start(transaction.first_response),
            final_ms: since_start(response.map(|response| response.at)),
            final_status: response.map(|response| response.status_code),
            retransmissions: transaction.retransmissions,
            received: transaction.received.clone(),
            rport: transaction
                .rport
                .as_ref()
                .and_then(|rport| rport.parse().ok()),
            ack_ms: response
                .zip(transaction.acknowledged)
                .map(|(response, at)| milliseconds(at.since(response.at))),
            icmp: transaction.icmp.map(|(kind, _)| kind.name().to_owned()),
            icmp_ms: since_start(transaction.icmp.map(|(_, at)| at)),
            timeout: transaction.state == State::Trying
                && waited.is_some_and(|waited| waited >= TRANSACTION_TIMEOUT_NS),
            points: self.points(&transaction.frames),
            frames: self.shorthand(&transaction.frames),
        }
    }

    fn summary(&self) -> Summary {
        let counters = self.engine.counters();
        let mut incomplete_reasons = self.incomplete.clone();
        let mut count = |number: u64, what: &str| {
            if number > 0 {
                incomplete_reasons.push(format!("{number} {what}"));
            }
        };
        count(
            self.points.iter().filter_map(|point| point.dropped).sum(),
            "packets dropped while capturing",
        );
        count(counters.truncated_messages, "SIP messages cut short");
        count(
            counters.stream_octets_missing,
            "octets missing from TCP streams of SIP",
        );
        count(
            counters.fragments_unfinished,
            "fragmented packets without all their fragments",
        );
        // Several kinds may go by one name.
        let mut not_decoded = BTreeMap::<String, u64>::new();
        for (reason, count) in &counters.not_decoded {
            *not_decoded.entry(reason.to_string()).or_default() += count;
        }
        let digits = self.points.iter().map(|point| point.digits).max();
        let stamp = |at: Option<Timestamp>| at.map(|at| at.rfc3339(digits.unwrap_or(9)));
        let duration = counters
            .first
            .zip(counters.last)
            .map(|(first, last)| rounded(millis(last.since(first)) / 1000.0, 6));
        Summary {
            files: self.files.clone(),
            capture_points: self
                .points
                .iter()
                .zip(&self.packets)
                .map(|(point, packets)| CapturePointRecord {
                    file: point.file.clone(),
                    interface: point.interface.clone(),
                    link_type: link_type_name(point.link_type.0)
                        .map_or_else(|| point.link_type.0.to_string(), str::to_owned),
                    packets: *packets,
                    dropped: point.dropped,
                })
                .collect(),
            packets: counters.packets,
            bytes: counters.bytes,
            first_timestamp: stamp(counters.first),
            last_timestamp: stamp(counters.last),
            duration_s: duration,
            complete: incomplete_reasons.is_empty(),
            incomplete_reasons,
            not_decoded,
            sip_messages: counters.sip_messages,
            requests: counters.requests.clone(),
            responses: counters
                .responses
                .iter()
                .map(|(code, count)| {
                    let name = match code {
                        0 => "invalid".to_owned(),
                        code => code.to_string(),
                    };
                    (name, *count)
                })
                .collect(),
            retransmissions: counters.retransmissions,
            duplicates: counters.duplicates,
            keep_alives: counters.keep_alives,
            calls: self.calls,
            outcomes: self.outcomes.clone(),
            registrations: self.registrations,
            subscriptions: self.subscriptions,
            rtp_streams: self.streams,
            rtp_packets: counters.rtp_packets,
            rtcp_packets: counters.rtcp_packets,
            stun_messages: counters.stun_messages,
            stun_exchanges: self.stun_exchanges,
            connections: self.connections,
            dns_messages: counters.dns_messages,
            dns_lookups: self.dns_lookups,
            diagnostics: self.severities.clone(),
        }
    }

    /// A time as the records of a capture point spell it.
    fn stamp(&self, point: CapturePoint, at: Timestamp) -> String {
        let digits = self
            .points
            .get(usize::from(point.0))
            .map(|point| point.digits);
        at.rfc3339(digits.unwrap_or(9))
    }

    fn file_of(&self, point: CapturePoint) -> String {
        self.points
            .get(usize::from(point.0))
            .map_or_else(String::new, |point| point.file.clone())
    }

    fn interface_of(&self, point: CapturePoint) -> String {
        self.points
            .get(usize::from(point.0))
            .map_or_else(String::new, |point| point.interface.clone())
    }

    fn points(&self, frames: &Frames) -> Vec<Point> {
        frames
            .points()
            .iter()
            .map(|point| Point {
                file: self.file_of(point.capture_point),
                interface: self.interface_of(point.capture_point),
                frames: point.numbers.clone(),
                frames_total: point.total,
            })
            .collect()
    }

    /// The frames alone, where one file and one interface need no name.
    fn shorthand(&self, frames: &Frames) -> Option<Vec<u32>> {
        match (self.points.len(), frames.points()) {
            (1, [point]) => Some(point.numbers.clone()),
            _ => None,
        }
    }
}
