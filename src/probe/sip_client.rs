//! SIP requests and what answers them (RFC 3261, 17.1).

use std::collections::{HashMap, VecDeque};

use super::{Carrier, Input, Socket, Transmit};
use crate::net::Endpoint;
use crate::octets;
use crate::report::{ProbeStep, milliseconds};
use crate::sip::{Framed, Framer, Method, SipMessage, StartLine, reason_phrase};
use crate::time::{MILLISECOND, Timestamp};

/// RFC 3261, 17.1.2.2: timer E, cut off where a person waits no longer.
const SENDS: [i64; 5] = [0, 500, 1500, 3500, 7500];
/// The last copy waits so long, in milliseconds.
const WAIT: i64 = 2500;
/// Octets of a peer's text that are told.
const MAX_TEXT: usize = 256;
/// Messages that wait to be looked at; a peer that sends more at once is not heard.
const MAX_HEARD: usize = 64;

/// A response.
#[derive(Clone, Debug)]
pub(super) struct Response {
    /// From where it came.
    pub from: Endpoint,
    pub status: u16,
    /// From the last copy of the request, in nanoseconds.
    pub round_trip_ns: i64,
    octets: Vec<u8>,
}

impl Response {
    /// It, as it reads.
    pub(super) fn message(&self) -> Option<SipMessage<'_>> {
        SipMessage::parse(&self.octets)
    }
}

/// What came beside final responses to requests outside dialogs.
#[derive(Clone, Debug)]
pub(super) enum Heard {
    /// A response to an INVITE: any, copies too.
    Response(usize, Response),
    /// A request.
    Request {
        socket: u16,
        from: Endpoint,
        octets: Vec<u8>,
    },
}

/// How a request stands.
#[derive(Clone, Debug)]
pub(super) enum State {
    Waiting,
    Answered(Box<Response>),
    Silent,
    Refused(String),
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub to: Endpoint,
    pub state: State,
    /// Copies sent.
    pub copies: usize,
    /// Provisional responses, which end nothing.
    pub provisional: u64,
    socket: Socket,
    pub branch: String,
    method: Method,
    octets: Vec<u8>,
    began: Timestamp,
    last: Timestamp,
}

impl Exchange {
    pub(super) fn response(&self) -> Option<&Response> {
        match &self.state {
            State::Answered(response) => Some(response),
            _ => None,
        }
    }

    pub(super) const fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting)
    }

    /// The Request-URI.
    pub(super) fn asked(&self) -> String {
        let message = SipMessage::parse(&self.octets);
        let uri = message.as_ref().and_then(|own| match own.start_line() {
            StartLine::Request { request_uri, .. } => Some(octets::text(request_uri)),
            StartLine::Response { .. } => None,
        });
        uri.unwrap_or_default()
    }

    /// When to send: a stream repeats by itself.
    fn sends(&self) -> &'static [i64] {
        let count = if !self.socket.transport.is_stream() {
            SENDS.len()
        } else {
            1
        };
        SENDS.get(..count).unwrap_or_default()
    }

    fn due(&self) -> Option<Timestamp> {
        // What rings may ring for long (RFC 3261, 17.1.1.2).
        if !self.is_waiting() || (self.method == Method::Invite && self.provisional > 0) {
            return None;
        }
        let after = match self.sends().get(self.copies) {
            Some(after) => *after,
            None => SENDS.last()?.saturating_add(WAIT),
        };
        Some(self.began.offset(after.saturating_mul(MILLISECOND)))
    }
}

/// How a socket stands.
#[derive(Clone, Debug)]
pub(super) enum Opening {
    Asked,
    Open(Endpoint),
    Refused,
}

/// Requests under way, and what came of those before.
#[derive(Debug)]
pub(super) struct SipClient {
    transport: Carrier,
    rng: fastrand::Rng,
    sockets: HashMap<u16, Opening>,
    exchanges: Vec<Exchange>,
    outgoing: VecDeque<Transmit>,
    /// What streams hold of messages that are not whole yet.
    framers: HashMap<u16, Framer>,
    /// Whether it hears what comes beside final responses.
    listens: bool,
    heard: VecDeque<Heard>,
    /// Sockets that could not be opened, as a report tells them.
    pub unopened: Vec<ProbeStep>,
    /// Messages that answered nothing that was asked.
    pub strays: u64,
}

impl SipClient {
    pub(super) fn new(transport: Carrier, rng: fastrand::Rng) -> Self {
        Self {
            transport,
            rng,
            sockets: HashMap::new(),
            exchanges: Vec::new(),
            outgoing: VecDeque::new(),
            framers: HashMap::new(),
            listens: false,
            heard: VecDeque::new(),
            unopened: Vec::new(),
            strays: 0,
        }
    }

    /// Hears what comes beside final responses: [`Self::poll_heard`] tells it.
    pub(super) const fn listening(mut self) -> Self {
        self.listens = true;
        self
    }

    /// What came beside final responses.
    pub(super) fn poll_heard(&mut self) -> Option<Heard> {
        self.heard.pop_front()
    }

    /// A word that nobody guesses.
    pub(super) fn word(&mut self, letters: usize) -> String {
        std::iter::repeat_with(|| self.rng.alphanumeric())
            .take(letters)
            .collect()
    }

    /// Opens a socket toward a server, once: its address is written into requests.
    pub(super) fn open(&mut self, number: u16, to: Endpoint) -> &Opening {
        if !self.sockets.contains_key(&number) {
            let socket = Socket::new(number, self.transport);
            self.outgoing.push_back(Transmit {
                socket,
                to,
                octets: Vec::new(),
            });
        }
        self.sockets.entry(number).or_insert(Opening::Asked)
    }

    /// The address of an open socket.
    pub(super) fn local(&self, number: u16) -> Option<Endpoint> {
        match self.sockets.get(&number) {
            Some(Opening::Open(local)) => Some(*local),
            _ => None,
        }
    }

    /// The value of Via for a transaction.
    pub(super) fn via(&self, number: u16, branch: &str) -> String {
        let local = self.local(number).unwrap_or_default();
        format!(
            "SIP/2.0/{} {local};branch={}{branch};rport",
            self.transport.name().to_uppercase(),
            crate::sip::MAGIC_COOKIE
        )
    }

    /// Asks; `write` is given the value of Via. Hands back the number of the
    /// exchange.
    pub(super) fn ask(
        &mut self,
        now: Timestamp,
        to: (u16, Endpoint),
        method: Method,
        write: impl FnOnce(String) -> Vec<u8>,
    ) -> usize {
        let branch = self.word(20);
        self.ask_in(now, to, method, branch, write)
    }

    /// Asks in a transaction whose branch is known (RFC 3261, 9.1).
    pub(super) fn ask_in(
        &mut self,
        now: Timestamp,
        (number, to): (u16, Endpoint),
        method: Method,
        branch: String,
        write: impl FnOnce(String) -> Vec<u8>,
    ) -> usize {
        let octets = write(self.via(number, &branch));
        self.exchanges.push(Exchange {
            to,
            state: State::Waiting,
            copies: 0,
            provisional: 0,
            socket: Socket::new(number, self.transport),
            branch,
            method,
            octets,
            began: now,
            last: now,
        });
        self.send_due(now);
        self.exchanges.len() - 1
    }

    /// Sends, or opens, what is of another protocol.
    pub(super) fn transmit(&mut self, transmit: Transmit) {
        self.outgoing.push_back(transmit);
    }

    /// Sends what expects no answer.
    pub(super) fn send(&mut self, number: u16, to: Endpoint, octets: Vec<u8>) {
        let socket = Socket::new(number, self.transport);
        self.outgoing.push_back(Transmit { socket, to, octets });
    }

    pub(super) fn get(&self, number: usize) -> Option<&Exchange> {
        self.exchanges.get(number)
    }

    pub(super) fn send_due(&mut self, now: Timestamp) {
        for exchange in &mut self.exchanges {
            while exchange.due().is_some_and(|due| due <= now) {
                if exchange.copies >= exchange.sends().len() {
                    exchange.state = State::Silent;
                    break;
                }
                exchange.copies += 1;
                exchange.last = now;
                self.outgoing.push_back(Transmit {
                    socket: exchange.socket,
                    to: exchange.to,
                    octets: exchange.octets.clone(),
                });
            }
        }
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.outgoing.pop_front()
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.exchanges.iter().filter_map(Exchange::due).min()
    }

    pub(super) fn handle(&mut self, now: Timestamp, input: Input<'_>) {
        match input {
            Input::Opened { socket, local } => {
                self.sockets.insert(socket, Opening::Open(local));
            }
            Input::Received {
                socket,
                from,
                octets,
                ..
            } if !self.transport.is_stream() => self.message(now, socket, from, octets),
            Input::Received {
                socket,
                from,
                octets,
                ..
            } => {
                let mut framer = self.framers.remove(&socket).unwrap_or_default();
                framer.push(octets);
                while let Some(framed) = framer.poll() {
                    if let Framed::Message(octets) = framed {
                        self.message(now, socket, from, &octets);
                    }
                }
                self.framers.insert(socket, framer);
            }
            Input::Refused { socket, to, why } => {
                let opening = self.sockets.entry(socket).or_insert(Opening::Asked);
                if matches!(opening, Opening::Asked) {
                    *opening = Opening::Refused;
                    self.unopened.push(ProbeStep {
                        name: "socket".to_owned(),
                        outcome: "refused".to_owned(),
                        to: Some(to.to_string()),
                        says: why.to_owned(),
                        sent: 0,
                        rtt_ms: None,
                    });
                }
                let waiting = |own: &&mut Exchange| own.socket.number == socket && own.is_waiting();
                for exchange in self.exchanges.iter_mut().filter(waiting) {
                    exchange.state = State::Refused(why.to_owned());
                }
            }
        }
    }

    fn message(&mut self, now: Timestamp, socket: u16, from: Endpoint, octets: &[u8]) {
        let Some((number, status)) = matching(&self.exchanges, from, octets) else {
            let is_request = SipMessage::parse(octets)
                .is_some_and(|own| matches!(own.start_line(), StartLine::Request { .. }));
            let octets = octets.to_vec();
            if !(is_request
                && self.hear(Heard::Request {
                    socket,
                    from,
                    octets,
                }))
            {
                self.strays = self.strays.saturating_add(1);
            }
            return;
        };
        let Some(exchange) = self.exchanges.get_mut(number) else {
            return;
        };
        let response = Response {
            from,
            status,
            round_trip_ns: now.since(exchange.last),
            octets: octets.to_vec(),
        };
        if status < 200 {
            exchange.provisional = exchange.provisional.saturating_add(1);
        } else if exchange.is_waiting() {
            exchange.state = State::Answered(Box::new(response.clone()));
        }
        let is_invite = exchange.method == Method::Invite;
        if is_invite && !self.hear(Heard::Response(number, response)) {
            self.strays = self.strays.saturating_add(1);
        }
    }

    /// Keeps what came, if that is wanted and there is room.
    fn hear(&mut self, heard: Heard) -> bool {
        let has_room = self.listens && self.heard.len() < MAX_HEARD;
        if has_room {
            self.heard.push_back(heard);
        }
        has_room
    }
}

/// What the status line of a response says, short; the usual phrase where it says
/// nothing.
pub(super) fn phrase(response: &Response) -> String {
    let message = response.message();
    let said = message.and_then(|message| match message.start_line() {
        StartLine::Response { reason_phrase, .. } if !reason_phrase.is_empty() => {
            Some(short(reason_phrase))
        }
        _ => None,
    });
    said.unwrap_or_else(|| reason_phrase(response.status).to_owned())
}

/// A peer's text, no longer than a line or two.
pub(super) fn short(octets: &[u8]) -> String {
    octets::text(octets::span(octets, 0, MAX_TEXT))
}

/// An exchange as a report tells it.
pub(super) fn step(name: String, exchange: &Exchange) -> ProbeStep {
    let (outcome, says) = match &exchange.state {
        State::Waiting => ("waiting", "nothing yet".to_owned()),
        State::Silent if exchange.provisional > 0 => {
            ("silent", "provisional responses alone".to_owned())
        }
        State::Silent => ("silent", "no answer".to_owned()),
        State::Refused(why) => ("refused", why.clone()),
        State::Answered(response) => {
            let says = format!("{} {}", response.status, phrase(response));
            ("answered", says)
        }
    };
    ProbeStep {
        name,
        outcome: outcome.to_owned(),
        to: Some(exchange.to.to_string()),
        says,
        sent: exchange.copies as u64,
        rtt_ms: exchange
            .response()
            .map(|own| milliseconds(own.round_trip_ns)),
    }
}

/// The request that a response answers: by branch and method (RFC 3261, 17.1.3),
/// and who was not asked does not answer.
fn matching(exchanges: &[Exchange], from: Endpoint, octets: &[u8]) -> Option<(usize, u16)> {
    let message = SipMessage::parse(octets)?;
    let StartLine::Response { status_code, .. } = message.start_line() else {
        return None;
    };
    let status = (*status_code)?;
    let branch = message.top_via().ok()?.branch?;
    let branch = branch.strip_prefix(crate::sip::MAGIC_COOKIE.as_bytes())?;
    let method = message.cseq().ok()?.method;
    let number = exchanges.iter().position(|own| {
        own.method == method && own.branch.as_bytes() == branch && own.to.ip == from.ip
    })?;
    Some((number, status))
}
