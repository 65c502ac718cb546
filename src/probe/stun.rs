//! Whether a STUN server answers, how fast, and what it says (RFC 8489).

use super::client::{ASKING, Answer, Client, Ids, State, step};
use super::digest::Credentials;
use super::{Carrier, Ending, Found, Input, Probe, Socket, Transmit};
use crate::net::Endpoint;
use crate::report::{Measurements, Pings, ProbeStep, StunMeasurements, milliseconds};
use crate::stun::build::Wanted;
use crate::time::Timestamp;

/// What is to be found out.
#[derive(Debug)]
pub struct Config {
    /// The server's addresses; the next is asked where one is silent.
    pub servers: Vec<Endpoint>,
    /// Over what.
    pub transport: Carrier,
    /// How many requests.
    pub count: u32,
    /// From one to the next, in nanoseconds.
    pub interval_ns: i64,
    /// Who answers challenges.
    pub credentials: Credentials,
    /// Where transactions come from.
    pub ids: Ids,
}

/// The probe.
#[derive(Debug)]
pub struct StunProbe {
    config: Config,
    client: Client,
    place: usize,
    asked: Vec<usize>,
    next: Option<Timestamp>,
}

impl StunProbe {
    /// A probe that has sent nothing.
    #[must_use]
    pub fn new(mut config: Config) -> Self {
        let ids = std::mem::replace(&mut config.ids, Ids::Random);
        let mut client = Client::new(ids);
        client.log_in(config.credentials.clone());
        Self {
            config,
            client,
            place: 0,
            asked: Vec::new(),
            next: None,
        }
    }

    fn go_on(&mut self, now: Timestamp) {
        self.client.send_due(now);
        let is_silent = |own: &usize| {
            let state = self.client.get(*own).map(|own| &own.state);
            matches!(state, Some(State::Silent | State::Refused(_)))
        };
        // Nothing came of the first: the name may have other addresses.
        if let [only] = self.asked[..]
            && is_silent(&only)
            && self.place + 1 < self.config.servers.len()
        {
            self.place += 1;
            self.next = Some(now);
        } else if self.asked.is_empty() {
            self.next = Some(now);
        } else if self.asked.first().is_some_and(is_silent) {
            self.next = None;
        }
        let sent = self.asked.len().saturating_sub(self.place);
        if self.next.is_some_and(|next| next <= now)
            && sent < self.config.count as usize
            && let Some(server) = self.config.servers.get(self.place).copied()
        {
            let number = u16::try_from(self.place).unwrap_or(u16::MAX);
            let socket = Socket::new(number, self.config.transport);
            let exchange = self
                .client
                .ask(now, socket, server, Wanted::default(), ASKING);
            self.asked.push(exchange);
            let more = sent + 1 < self.config.count as usize;
            self.next = more.then(|| now.offset(self.config.interval_ns));
        }
    }

    fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.asked
            .iter()
            .filter_map(|own| match &self.client.get(*own)?.state {
                State::Answered(answer) => Some(&**answer),
                _ => None,
            })
    }
}

impl Probe for StunProbe {
    fn handle(&mut self, now: Timestamp, input: Input<'_>) {
        match input {
            Input::Received {
                socket,
                local,
                from,
                octets,
            } => {
                self.client.received(now, socket, local, from, octets);
            }
            Input::Refused { socket, to, why } => self.client.refused(now, socket, to, why),
            Input::Opened { .. } => {}
        }
        self.go_on(now);
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.go_on(now);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        self.client.poll_transmit()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        [self.client.poll_timeout(), self.next]
            .into_iter()
            .flatten()
            .min()
    }

    fn found(&self) -> Found {
        let first = self.answers().next();
        let good = self.answers().filter(|own| own.error.is_none()).count() as u64;
        let refusal = self.answers().find_map(|own| own.error);
        // The first address of several may have been silent.
        let requests = self.asked.len().saturating_sub(self.place) as u64;
        let (verdict, ending) = match (first, good) {
            (None, _) => ("no-answer", Ending::NoAnswer),
            (Some(_), 0) => ("refused", Ending::Failed),
            (Some(_), _) => ("answered", Ending::Done),
        };
        let times: Vec<f64> = self
            .answers()
            .map(|own| milliseconds(own.round_trip_ns))
            .collect();
        let text = |endpoint: Endpoint| endpoint.to_string();
        let mut supports = Vec::new();
        if good > 0 {
            supports.push("binding".to_owned());
        }
        if first.is_some_and(|own| own.other.is_some()) {
            supports.push("rfc5780".to_owned());
        }
        let pings = Pings::new(self.config.transport.name(), requests, times).between(
            first.map(|own| own.from),
            first.map(|own| own.local),
            first.and_then(|own| own.mapped),
        );
        let measurements = StunMeasurements {
            pings,
            software: first.and_then(|own| own.software.clone()),
            other_address: first.and_then(|own| own.other).map(text),
            response_origin: first.and_then(|own| own.origin).map(text),
            alternate_server: first.and_then(|own| own.alternate).map(text),
            error_code: refusal,
            is_rewritten: self.answers().any(|own| own.rewritten.is_some()),
            supports,
        };
        Found {
            verdict: verdict.to_owned(),
            ending,
            steps: self.steps(),
            measurements: Measurements::Stun(Box::new(measurements)),
            strays: self.client.strays,
        }
    }
}

impl StunProbe {
    fn steps(&self) -> Vec<ProbeStep> {
        let exchanges = self.asked.iter().filter_map(|own| self.client.get(*own));
        exchanges.map(|own| step("binding", own)).collect()
    }
}
