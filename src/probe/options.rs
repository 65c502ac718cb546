//! Whether a SIP server is alive, how fast it answers, and what it says of itself
//! (RFC 3261, 11).
//!
//! Every final response is alive. With `trace`, Max-Forwards counts up from zero, and
//! each proxy on the way refuses the request that ends at it (483).

use std::collections::{HashMap, VecDeque};

use rsip::Header;
use rsip::headers::UntypedHeader as _;

use super::{Ending, Found, Input, Probe, Socket, Transmit};
use crate::net::{Endpoint, Transport};
use crate::octets;
use crate::report::{
    HopRecord, Measurements, OptionsMeasurements, ProbeStep, Spread, milliseconds, rounded,
};
use crate::sip::header::HeaderName;
use crate::sip::{
    Framed, Framer, Method, SipMessage, StartLine, build, reason_phrase, split_host_port,
};
use crate::time::{MILLISECOND, Timestamp};

/// What is to be found out.
#[derive(Debug)]
pub struct Config {
    /// The server's addresses; the next is asked where one is silent.
    pub servers: Vec<Endpoint>,
    /// The user that is asked for; empty for the server itself.
    pub user: String,
    /// The host, as it was named.
    pub host: String,
    /// Over what.
    pub transport: Transport,
    /// How many requests.
    pub count: u32,
    /// From one to the next, in nanoseconds.
    pub interval_ns: i64,
    /// Whether to look for the proxies on the way.
    pub trace: bool,
    /// What branches, tags and Call-IDs are made of.
    pub rng: fastrand::Rng,
}

/// RFC 3261, 17.1.2.2: timer E, cut off where a person waits no longer.
const SENDS: [i64; 5] = [0, 500, 1500, 3500, 7500];
/// The last copy waits so long, in milliseconds.
const WAIT: i64 = 2500;
/// Proxies that are looked for.
const MAX_HOPS: u32 = 16;

/// What was answered.
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

#[derive(Clone, Debug)]
enum State {
    Waiting,
    Answered(Box<Answer>),
    Silent,
    Refused(String),
}

#[derive(Clone, Debug)]
struct Request {
    to: Endpoint,
    branch: String,
    max_forwards: u32,
    octets: Vec<u8>,
    began: Timestamp,
    last: Timestamp,
    copies: usize,
    /// Provisional responses, which end nothing.
    provisional: u64,
    state: State,
}

/// The probe.
#[derive(Debug)]
pub struct OptionsProbe {
    config: Config,
    place: usize,
    /// The address of the socket, once it is open.
    local: Option<Endpoint>,
    is_opening: bool,
    requests: Vec<Request>,
    outgoing: VecDeque<Transmit>,
    framers: HashMap<u16, Framer>,
    next: Option<Timestamp>,
    strays: u64,
}

impl OptionsProbe {
    /// A probe that has sent nothing.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            place: 0,
            local: None,
            is_opening: false,
            requests: Vec::new(),
            outgoing: VecDeque::new(),
            framers: HashMap::new(),
            next: None,
            strays: 0,
        }
    }

    fn socket(&self) -> Socket {
        Socket {
            number: u16::try_from(self.place).unwrap_or(u16::MAX),
            transport: self.config.transport,
            port: None,
        }
    }

    /// Requests to the address that is asked now.
    fn current(&self) -> impl Iterator<Item = &Request> {
        let server = self.config.servers.get(self.place).copied();
        self.requests
            .iter()
            .filter(move |own| Some(own.to) == server)
    }

    fn word(&mut self, letters: usize) -> String {
        std::iter::repeat_with(|| self.config.rng.alphanumeric())
            .take(letters)
            .collect()
    }

    fn go_on(&mut self, now: Timestamp) {
        self.send_due(now);
        let Some(local) = self.local else {
            if !self.is_opening {
                self.open();
            }
            return;
        };
        let asked = self.current().count();
        let is_done = |own: &Request| !matches!(own.state, State::Waiting);
        let is_silent = |own: &Request| matches!(own.state, State::Silent | State::Refused(_));
        // Nothing came of the first: the name may have other addresses.
        if asked == 1 && self.current().all(is_silent) {
            self.next = None;
            if self.place + 1 < self.config.servers.len() {
                self.place += 1;
                self.local = None;
                self.is_opening = false;
                self.open();
            }
            return;
        }
        if self.config.trace {
            let reached = |own: &Request| match &own.state {
                State::Answered(answer) => answer.status != 483,
                _ => false,
            };
            let is_over = self.current().any(reached) || asked >= MAX_HOPS as usize;
            if self.current().all(is_done) && !is_over {
                self.ask(now, local, u32::try_from(asked).unwrap_or(MAX_HOPS));
            }
            return;
        }
        let is_due = asked == 0 || self.next.is_some_and(|next| next <= now);
        if is_due && asked < self.config.count as usize {
            self.ask(now, local, 70);
            let more = asked + 1 < self.config.count as usize;
            self.next = more.then(|| now.offset(self.config.interval_ns));
        }
    }

    /// What is written into a request, its sender's address, is known when the
    /// socket is open.
    fn open(&mut self) {
        if let Some(to) = self.config.servers.get(self.place).copied() {
            self.is_opening = true;
            let socket = self.socket();
            self.outgoing.push_back(Transmit {
                socket,
                to,
                octets: Vec::new(),
            });
        }
    }

    fn ask(&mut self, now: Timestamp, local: Endpoint, max_forwards: u32) {
        let Some(to) = self.config.servers.get(self.place).copied() else {
            return;
        };
        let branch = self.word(20);
        let octets = self.message(local, &branch, max_forwards);
        self.requests.push(Request {
            to,
            branch,
            max_forwards,
            octets,
            began: now,
            last: now,
            copies: 0,
            provisional: 0,
            state: State::Waiting,
        });
        self.send_due(now);
    }

    fn message(&mut self, local: Endpoint, branch: &str, max_forwards: u32) -> Vec<u8> {
        let (tag, call_id) = (self.word(12), self.word(24));
        let port = self
            .config
            .servers
            .get(self.place)
            .map_or(5060, |own| own.port);
        // To names no way (RFC 3261, 19.1.1).
        let to = target(&self.config.user, &self.config.host, port);
        let mut uri = to.clone();
        if self.config.transport == Transport::Tcp {
            uri.params = vec![rsip::Param::Transport(rsip::Transport::Tcp)];
        }
        let via = format!(
            "SIP/2.0/{} {local};branch={}{branch};rport",
            self.config.transport.name().to_uppercase(),
            crate::sip::MAGIC_COOKIE
        );
        let own = build::uri("probe", local);
        let headers: Vec<Header> = vec![
            rsip::headers::Via::new(via).into(),
            rsip::headers::MaxForwards::new(max_forwards.to_string()).into(),
            rsip::headers::From::new(format!("<{own}>;tag={tag}")).into(),
            rsip::headers::To::new(format!("<{to}>")).into(),
            rsip::headers::CallId::new(call_id).into(),
            rsip::headers::CSeq::new("1 OPTIONS").into(),
            rsip::headers::Contact::new(format!("<{own}>")).into(),
            rsip::headers::Accept::new("application/sdp").into(),
            rsip::headers::UserAgent::new(super::AGENT).into(),
        ];
        build::request(rsip::Method::Options, uri, headers, b"")
    }

    fn send_due(&mut self, now: Timestamp) {
        let socket = self.socket();
        let is_stream = self.config.transport != Transport::Udp;
        for request in &mut self.requests {
            while request.due(is_stream).is_some_and(|due| due <= now) {
                if request.copies >= copies(is_stream) {
                    request.state = State::Silent;
                    break;
                }
                request.copies += 1;
                request.last = now;
                self.outgoing.push_back(Transmit {
                    socket,
                    to: request.to,
                    octets: request.octets.clone(),
                });
            }
        }
    }

    fn message_came(&mut self, now: Timestamp, from: Endpoint, octets: &[u8]) {
        let known = SipMessage::parse(octets).and_then(|message| {
            let StartLine::Response { status_code, .. } = message.start_line() else {
                return None;
            };
            let status = (*status_code)?;
            let branch = message.top_via().ok()?.branch?;
            let branch = branch.strip_prefix(crate::sip::MAGIC_COOKIE.as_bytes())?;
            let is_own = message.cseq().ok()?.method == Method::Options;
            // Who was not asked does not answer (RFC 3261, 18.1.2 by the branch).
            let mut requests = self.requests.iter();
            let place = requests.position(|own| {
                is_own && own.branch.as_bytes() == branch && own.to.ip == from.ip
            })?;
            Some((place, answer(&message, status, from)))
        });
        let Some((place, mut answer)) = known else {
            self.strays = self.strays.saturating_add(1);
            return;
        };
        let Some(request) = self.requests.get_mut(place) else {
            return;
        };
        if answer.status < 200 {
            request.provisional = request.provisional.saturating_add(1);
        } else if matches!(request.state, State::Waiting) {
            answer.round_trip_ns = now.since(request.last);
            request.state = State::Answered(Box::new(answer));
        }
    }

    fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.current().filter_map(|own| match &own.state {
            State::Answered(answer) => Some(&**answer),
            _ => None,
        })
    }
}

/// Copies of a request: streams repeat by themselves.
const fn copies(is_stream: bool) -> usize {
    if is_stream { 1 } else { SENDS.len() }
}

impl Request {
    fn due(&self, is_stream: bool) -> Option<Timestamp> {
        if !matches!(self.state, State::Waiting) {
            return None;
        }
        let sends = SENDS.get(..copies(is_stream))?;
        let after = match sends.get(self.copies) {
            Some(after) => *after,
            None => SENDS.last()?.saturating_add(WAIT),
        };
        Some(self.began.offset(after.saturating_mul(MILLISECOND)))
    }
}

/// The Request-URI, as it was named. rsip prints no brackets, so an IPv6 host goes
/// as a domain.
fn target(user: &str, host: &str, port: u16) -> rsip::Uri {
    let mut uri = build::uri(user, Endpoint::default());
    let host = match host.parse() {
        Ok(ip) => build::host(ip),
        Err(_) => rsip::Host::Domain(host.to_owned().into()),
    };
    uri.host_with_port = rsip::HostWithPort {
        host,
        port: (port != 5060).then(|| port.into()),
    };
    uri
}

/// Values of a list that are kept, and how long each may be.
const MAX_VALUES: usize = 64;
const MAX_TEXT: usize = 256;

fn answer(message: &SipMessage<'_>, status: u16, from: Endpoint) -> Answer {
    let short = |octets: &[u8]| octets::text(octets::span(octets, 0, MAX_TEXT));
    let list = |name| -> Vec<String> {
        let values = message.values(name).filter(|own| !own.is_empty());
        values.take(MAX_VALUES).map(short).collect()
    };
    let reason = match message.start_line() {
        StartLine::Response { reason_phrase, .. } if !reason_phrase.is_empty() => {
            short(reason_phrase)
        }
        _ => reason_phrase(status).to_owned(),
    };
    let agent = message
        .value(HeaderName::Server)
        .or_else(|| message.value(HeaderName::UserAgent));
    Answer {
        from,
        status,
        reason,
        server: agent.map(short),
        allow: list(HeaderName::Allow),
        supported: list(HeaderName::Supported),
        accept: list(HeaderName::Accept),
        mapped: mapped(message),
        round_trip_ns: 0,
    }
}

/// Where the request was seen to come from (RFC 3581, 4).
fn mapped(message: &SipMessage<'_>) -> Option<Endpoint> {
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
        match input {
            Input::Opened { socket, local } => {
                if usize::from(socket) == self.place {
                    self.local = Some(local);
                }
            }
            Input::Received {
                socket,
                from,
                octets,
                ..
            } => {
                if self.config.transport == Transport::Udp {
                    self.message_came(now, from, octets);
                } else {
                    let mut framer = self.framers.remove(&socket).unwrap_or_default();
                    framer.push(octets);
                    while let Some(framed) = framer.poll() {
                        if let Framed::Message(octets) = framed {
                            self.message_came(now, from, &octets);
                        }
                    }
                    self.framers.insert(socket, framer);
                }
            }
            Input::Refused { to, why, .. } => {
                let waiting =
                    |own: &&mut Request| own.to == to && matches!(own.state, State::Waiting);
                for request in self.requests.iter_mut().filter(waiting) {
                    request.state = State::Refused(why.to_owned());
                }
                if self.local.is_none() {
                    // It was not even opened: as good as a request refused.
                    self.local = Some(Endpoint::default());
                    self.requests.push(Request {
                        to,
                        branch: String::new(),
                        max_forwards: 70,
                        octets: Vec::new(),
                        began: now,
                        last: now,
                        copies: 0,
                        provisional: 0,
                        state: State::Refused(why.to_owned()),
                    });
                }
            }
        }
        self.go_on(now);
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.go_on(now);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        self.outgoing.pop_front()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        let is_stream = self.config.transport != Transport::Udp;
        let due = self.requests.iter().filter_map(|own| own.due(is_stream));
        due.chain(self.next).min()
    }

    fn found(&self) -> Found {
        let last = self.answers().last();
        let requests = self.current().count() as u64;
        let answered = self.answers().count() as u64;
        let (verdict, ending) = match last {
            Some(_) => ("alive", Ending::Done),
            None => ("no-answer", Ending::NoAnswer),
        };
        let times: Vec<f64> = self
            .answers()
            .map(|own| milliseconds(own.round_trip_ns))
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "requests are few")]
        let lost = requests.saturating_sub(answered) as f64 / requests.max(1) as f64;
        let text = |endpoint: Endpoint| endpoint.to_string();
        let local = self.local.filter(|own| own.port > 0);
        let mapped = self.answers().find_map(|own| own.mapped);
        let hops = if self.config.trace {
            self.hops()
        } else {
            Vec::new()
        };
        let measurements = OptionsMeasurements {
            server: last.map(|own| text(own.from)),
            transport: self.config.transport.name().to_owned(),
            local_address: local.map(text),
            mapped_address: mapped.map(text),
            is_translated: local.zip(mapped).map(|(local, mapped)| local != mapped),
            requests,
            answers: answered,
            loss_percent: rounded(lost * 100.0, 2),
            rtt_ms: (!times.is_empty()).then(|| Spread::of(times, 0)),
            status: last.map(|own| own.status),
            reason_phrase: last.map(|own| own.reason.clone()),
            software: last.and_then(|own| own.server.clone()),
            allow: last.map(|own| own.allow.clone()).unwrap_or_default(),
            supported: last.map(|own| own.supported.clone()).unwrap_or_default(),
            accept: last.map(|own| own.accept.clone()).unwrap_or_default(),
            hops,
        };
        Found {
            verdict: verdict.to_owned(),
            ending,
            steps: self.requests.iter().map(step).collect(),
            measurements: Measurements::Options(Box::new(measurements)),
            strays: self.strays,
        }
    }
}

impl OptionsProbe {
    fn hops(&self) -> Vec<HopRecord> {
        self.current()
            .map(|own| {
                let answer = match &own.state {
                    State::Answered(answer) => Some(answer),
                    _ => None,
                };
                HopRecord {
                    max_forwards: own.max_forwards,
                    status: answer.map(|own| own.status),
                    software: answer.and_then(|own| own.server.clone()),
                    rtt_ms: answer.map(|own| milliseconds(own.round_trip_ns)),
                }
            })
            .collect()
    }
}

fn step(request: &Request) -> ProbeStep {
    let (outcome, says, rtt_ms) = match &request.state {
        State::Waiting => ("waiting", "nothing yet".to_owned(), None),
        State::Silent if request.provisional > 0 => {
            ("silent", "provisional responses alone".to_owned(), None)
        }
        State::Silent => ("silent", "no answer".to_owned(), None),
        State::Refused(why) => ("refused", why.clone(), None),
        State::Answered(answer) => (
            "answered",
            format!("{} {}", answer.status, answer.reason),
            Some(milliseconds(answer.round_trip_ns)),
        ),
    };
    ProbeStep {
        name: format!("OPTIONS, Max-Forwards {}", request.max_forwards),
        outcome: outcome.to_owned(),
        to: Some(request.to.to_string()),
        says,
        sent: request.copies as u64,
        rtt_ms,
    }
}
