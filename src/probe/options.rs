//! Whether a SIP server is alive, how fast it answers, and what it says of itself
//! (RFC 3261, 11).
//!
//! Every final response is alive. With `trace`, Max-Forwards counts up from zero, and
//! each proxy on the way refuses the request that ends at it (483).

use rsip::Header;
use rsip::headers::UntypedHeader as _;

use super::sip_client::{Exchange, Opening, SipClient, State, phrase, short, step};
use super::target::SipTarget;
use super::{Carrier, Ending, Found, Input, Probe, Transmit};
use crate::net::Endpoint;
use crate::report::{HopRecord, Measurements, OptionsMeasurements, Pings, ProbeStep, milliseconds};
use crate::sip::header::HeaderName;
use crate::sip::{Method, SipMessage, build, split_host_port};
use crate::time::Timestamp;

/// What is to be found out.
#[derive(Debug)]
pub struct Config {
    /// The server's addresses; the next is asked where one is silent.
    pub servers: Vec<Endpoint>,
    /// Who is asked for, as it was named.
    pub target: SipTarget,
    /// Over what.
    pub transport: Carrier,
    /// How many requests.
    pub count: u32,
    /// From one to the next, in nanoseconds.
    pub interval_ns: i64,
    /// Whether to look for the proxies on the way.
    pub trace: bool,
    /// What branches, tags and Call-IDs are made of.
    pub rng: fastrand::Rng,
}

/// Proxies that are looked for.
const MAX_HOPS: u32 = 16;

/// A request, and how often it may be passed on.
#[derive(Clone, Copy, Debug)]
struct Asked {
    exchange: usize,
    max_forwards: u32,
}

/// The probe.
#[derive(Debug)]
pub struct OptionsProbe {
    servers: Vec<Endpoint>,
    target: SipTarget,
    transport: Carrier,
    count: usize,
    interval_ns: i64,
    trace: bool,
    client: SipClient,
    /// Which address is asked now.
    place: usize,
    /// What that one was asked.
    asked: Vec<Asked>,
    /// What those before it were asked in vain.
    before: Vec<Asked>,
    next: Option<Timestamp>,
}

impl OptionsProbe {
    /// A probe that has sent nothing.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            client: SipClient::new(config.transport, config.rng),
            servers: config.servers,
            target: config.target,
            transport: config.transport,
            count: config.count as usize,
            interval_ns: config.interval_ns,
            trace: config.trace,
            place: 0,
            asked: Vec::new(),
            before: Vec::new(),
            next: None,
        }
    }

    fn exchanges(&self) -> impl Iterator<Item = (u32, &Exchange)> {
        let asked = self.asked.iter();
        asked.filter_map(|own| Some((own.max_forwards, self.client.get(own.exchange)?)))
    }

    fn go_on(&mut self, now: Timestamp) {
        self.client.send_due(now);
        let Some(server) = self.servers.get(self.place).copied() else {
            return;
        };
        let socket = u16::try_from(self.place).unwrap_or(u16::MAX);
        match self.client.open(socket, server) {
            Opening::Asked => return,
            Opening::Open(_) => {}
            Opening::Refused => return self.next_address(now),
        }
        let is_silent = |own: &Exchange| matches!(own.state, State::Silent | State::Refused(_));
        // Nothing came of the first: the name may have other addresses.
        if self.asked.len() == 1 && self.exchanges().all(|(_, own)| is_silent(own)) {
            self.next = None;
            if self.place + 1 < self.servers.len() {
                self.next_address(now);
            }
            return;
        }
        if self.trace {
            let arrived = |own: &Exchange| own.response().is_some_and(|own| own.status != 483);
            let waits = self
                .exchanges()
                .any(|(_, own)| own.is_waiting() || arrived(own));
            if !waits && self.asked.len() < MAX_HOPS as usize {
                let max_forwards = u32::try_from(self.asked.len()).unwrap_or(MAX_HOPS);
                self.ask(now, (socket, server), max_forwards);
            }
            return;
        }
        // Until one answers, another address may have to be asked in place of this one.
        let is_sure = self.asked.is_empty()
            || self.place + 1 >= self.servers.len()
            || self.exchanges().any(|(_, own)| own.response().is_some());
        let is_due = self.asked.is_empty() || self.next.is_some_and(|next| next <= now);
        if is_due && is_sure && self.asked.len() < self.count {
            self.ask(now, (socket, server), 70);
            let more = self.asked.len() < self.count;
            self.next = more.then(|| now.offset(self.interval_ns));
        }
    }

    fn next_address(&mut self, now: Timestamp) {
        self.before.append(&mut self.asked);
        self.place += 1;
        self.go_on(now);
    }

    fn ask(&mut self, now: Timestamp, to: (u16, Endpoint), max_forwards: u32) {
        let (tag, call_id) = (self.client.word(12), self.client.word(24));
        // To names no way (RFC 3261, 19.1.1).
        let party = self.target.uri_of(&self.target.user);
        let uri = format!("{party}{}", self.target.parameter(self.transport));
        let local = self.client.local(to.0).unwrap_or_default();
        let own = build::uri("probe", local);
        let contact = self.target.contact("probe", local, self.transport);
        let exchange = self.client.ask(now, to, Method::Options, |via| {
            let headers: Vec<Header> = vec![
                rsip::headers::Via::new(via).into(),
                rsip::headers::MaxForwards::new(max_forwards.to_string()).into(),
                rsip::headers::From::new(format!("<{own}>;tag={tag}")).into(),
                rsip::headers::To::new(format!("<{party}>")).into(),
                rsip::headers::CallId::new(call_id).into(),
                rsip::headers::CSeq::new("1 OPTIONS").into(),
                rsip::headers::Contact::new(contact).into(),
                rsip::headers::Accept::new("application/sdp").into(),
                rsip::headers::UserAgent::new(super::AGENT).into(),
            ];
            build::request_to("OPTIONS", &uri, headers, b"")
        });
        self.asked.push(Asked {
            exchange,
            max_forwards,
        });
    }

    fn answers(&self) -> impl Iterator<Item = Answer> {
        self.exchanges().filter_map(|(_, own)| Answer::of(own))
    }
}

/// Values of a list that are kept.
const MAX_VALUES: usize = 64;

/// What a final response says.
#[derive(Clone, Debug)]
struct Answer {
    from: Endpoint,
    status: u16,
    reason: String,
    server: Option<String>,
    allow: Vec<String>,
    supported: Vec<String>,
    accept: Vec<String>,
    mapped: Option<Endpoint>,
    round_trip_ns: i64,
}

impl Answer {
    fn of(exchange: &Exchange) -> Option<Self> {
        let response = exchange.response()?;
        let message = response.message()?;
        let list = |name| -> Vec<String> {
            let values = message.values(name).filter(|own| !own.is_empty());
            values.take(MAX_VALUES).map(short).collect()
        };
        let agent = message
            .value(HeaderName::Server)
            .or_else(|| message.value(HeaderName::UserAgent));
        Some(Self {
            from: response.from,
            status: response.status,
            reason: phrase(response),
            server: agent.map(short),
            allow: list(HeaderName::Allow),
            supported: list(HeaderName::Supported),
            accept: list(HeaderName::Accept),
            mapped: mapped(&message),
            round_trip_ns: response.round_trip_ns,
        })
    }
}

/// Where the request was seen to come from (RFC 3581, 4).
pub(super) fn mapped(message: &SipMessage<'_>) -> Option<Endpoint> {
    let via = message.top_via().ok()?;
    let text = |own| Some(std::str::from_utf8(own).ok()?.trim());
    let port = text(via.rport?)?.parse().ok()?;
    let (host, _) = split_host_port(via.sent_by);
    let host = text(via.received.unwrap_or(host))?;
    let ip = host.trim_matches(['[', ']']).parse().ok()?;
    Some(Endpoint::new(ip, port))
}

impl Probe for OptionsProbe {
    fn handle(&mut self, now: Timestamp, input: Input<'_>) {
        self.client.handle(now, input);
        self.go_on(now);
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.go_on(now);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        self.client.poll_transmit()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        // What waits for the first answer is sent when that comes.
        let waits = self.client.poll_timeout();
        let next = self
            .next
            .filter(|_| waits.is_none() || self.answers().next().is_some());
        [waits, next].into_iter().flatten().min()
    }

    fn found(&self) -> Found {
        let answers: Vec<Answer> = self.answers().collect();
        let last = answers.last();
        let requests = self.asked.len() as u64;
        let (verdict, ending) = match last {
            Some(_) => ("alive", Ending::Done),
            None => ("no-answer", Ending::NoAnswer),
        };
        let times: Vec<f64> = answers
            .iter()
            .map(|own| milliseconds(own.round_trip_ns))
            .collect();
        let local = u16::try_from(self.place).ok();
        let local = local.and_then(|own| self.client.local(own));
        let mapped = answers.iter().find_map(|own| own.mapped);
        let pings = Pings::new(self.transport.name(), requests, times);
        let pings = pings.between(last.map(|own| own.from), local, mapped);
        let measurements = OptionsMeasurements {
            pings,
            status: last.map(|own| own.status),
            reason_phrase: last.map(|own| own.reason.clone()),
            software: last.and_then(|own| own.server.clone()),
            allow: last.map(|own| own.allow.clone()).unwrap_or_default(),
            supported: last.map(|own| own.supported.clone()).unwrap_or_default(),
            accept: last.map(|own| own.accept.clone()).unwrap_or_default(),
            hops: if self.trace { self.hops() } else { Vec::new() },
        };
        Found {
            verdict: verdict.to_owned(),
            ending,
            steps: self.steps(),
            measurements: Measurements::Options(Box::new(measurements)),
            strays: self.client.strays,
        }
    }
}

impl OptionsProbe {
    fn hops(&self) -> Vec<HopRecord> {
        let exchanges = self.exchanges();
        exchanges
            .map(|(max_forwards, exchange)| {
                let answer = Answer::of(exchange);
                HopRecord {
                    max_forwards,
                    status: answer.as_ref().map(|own| own.status),
                    software: answer.as_ref().and_then(|own| own.server.clone()),
                    rtt_ms: answer.map(|own| milliseconds(own.round_trip_ns)),
                }
            })
            .collect()
    }

    fn steps(&self) -> Vec<ProbeStep> {
        let asked = self.before.iter().chain(&self.asked).filter_map(|own| {
            let exchange = self.client.get(own.exchange)?;
            let name = format!("OPTIONS, Max-Forwards {}", own.max_forwards);
            Some(step(name, exchange))
        });
        self.client.unopened.iter().cloned().chain(asked).collect()
    }
}
