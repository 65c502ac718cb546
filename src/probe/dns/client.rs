//! Questions to a resolver, and what answers them (RFC 1035, RFC 7766).

use std::collections::{HashMap, VecDeque};

use crate::dns::{DnsKind, DnsMessage, query};
use crate::net::Endpoint;
use crate::octets::u16_at;
use crate::probe::{Carrier, Input, Socket, Transmit};
use crate::time::{MILLISECOND, Timestamp};

/// When a question is sent, in milliseconds, and when it is given up.
const SENDS: [i64; 3] = [0, 1000, 2500];
const GIVE_UP: i64 = 5000;

/// How a question stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Answered(DnsMessage),
    Silent,
    Refused(String),
}

/// A question.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub name: String,
    pub kind: DnsKind,
    pub state: State,
    pub copies: u64,
    pub round_trip_ns: i64,
    id: u16,
    socket: Socket,
    began: Timestamp,
    last: Timestamp,
}

impl Question {
    fn due(&self) -> Option<Timestamp> {
        if self.state != State::Waiting {
            return None;
        }
        let count = if !self.socket.transport.is_stream() {
            SENDS.len()
        } else {
            1
        };
        let sent = usize::try_from(self.copies).unwrap_or(usize::MAX);
        let sends = SENDS.get(..count).unwrap_or_default();
        let after = sends.get(sent).copied().unwrap_or(GIVE_UP);
        Some(self.began.offset(after.saturating_mul(MILLISECOND)))
    }
}

/// Questions to one resolver.
#[derive(Debug)]
pub(super) struct DnsClient {
    resolver: Endpoint,
    rng: fastrand::Rng,
    questions: Vec<Question>,
    outgoing: VecDeque<Transmit>,
    streams: HashMap<u16, Vec<u8>>,
    pub strays: u64,
}

impl DnsClient {
    pub(super) fn new(resolver: Endpoint, rng: fastrand::Rng) -> Self {
        Self {
            resolver,
            rng,
            questions: Vec::new(),
            outgoing: VecDeque::new(),
            streams: HashMap::new(),
            strays: 0,
        }
    }

    pub(super) fn get(&self, number: usize) -> Option<&Question> {
        self.questions.get(number)
    }

    /// Asks; each question has a port of its own (RFC 5452, 9.2).
    pub(super) fn ask(&mut self, now: Timestamp, name: &str, kind: DnsKind) -> usize {
        let number = self.questions.len();
        self.questions.push(Question {
            name: name.to_owned(),
            kind,
            state: State::Waiting,
            copies: 0,
            round_trip_ns: 0,
            id: self.rng.u16(..),
            socket: Socket::new(u16::try_from(number).unwrap_or(u16::MAX) * 2, Carrier::Udp),
            began: now,
            last: now,
        });
        self.send_due(now);
        number
    }

    pub(super) fn send_due(&mut self, now: Timestamp) {
        for own in &mut self.questions {
            while own.due().is_some_and(|due| due <= now) {
                let is_stream = own.socket.transport.is_stream();
                let most = if is_stream { 1 } else { SENDS.len() as u64 };
                if own.copies >= most {
                    own.state = State::Silent;
                    break;
                }
                own.copies += 1;
                own.last = now;
                let Some(mut octets) = query(own.id, &own.name, own.kind) else {
                    own.state = State::Refused("no name of DNS".to_owned());
                    break;
                };
                if is_stream {
                    let length = u16::try_from(octets.len()).unwrap_or_default();
                    octets.splice(0..0, length.to_be_bytes());
                }
                self.outgoing.push_back(Transmit {
                    socket: own.socket,
                    to: self.resolver,
                    octets,
                });
            }
        }
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.outgoing.pop_front()
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.questions.iter().filter_map(Question::due).min()
    }

    pub(super) fn handle(&mut self, now: Timestamp, input: Input<'_>) {
        match input {
            Input::Received {
                socket,
                from,
                octets,
                ..
            } if socket % 2 == 0 => self.message(now, socket, from, octets),
            Input::Received {
                socket,
                from,
                octets,
                ..
            } => {
                let mut stream = self.streams.remove(&socket).unwrap_or_default();
                stream.extend_from_slice(octets);
                if let Some(length) = u16_at(&stream, 0).map(usize::from)
                    && let Some(message) = stream.get(2..length.saturating_add(2))
                {
                    let message = message.to_vec();
                    return self.message(now, socket, from, &message);
                }
                self.streams.insert(socket, stream);
            }
            Input::Refused { socket, why, .. } => {
                let mut own = self.questions.iter_mut();
                let is_own = |own: &&mut Question| own.socket.number == socket;
                if let Some(own) = own.find(|own| is_own(own) && own.state == State::Waiting) {
                    own.state = State::Refused(why.to_owned());
                }
            }
            Input::Opened { .. } => {}
        }
    }

    fn message(&mut self, now: Timestamp, socket: u16, from: Endpoint, octets: &[u8]) {
        let message = DnsMessage::parse(octets).filter(|own| own.is_response);
        let mut questions = self.questions.iter_mut();
        let known = message.and_then(|message| {
            let own = questions.find(|own| {
                let is_asked = own.id == message.id && own.kind == message.kind;
                let is_name = own.name.eq_ignore_ascii_case(&message.name);
                own.socket.number == socket && is_asked && is_name && own.state == State::Waiting
            })?;
            Some((own, message))
        });
        let Some((own, message)) = known.filter(|_| from == self.resolver) else {
            self.strays = self.strays.saturating_add(1);
            return;
        };
        own.round_trip_ns = now.since(own.last);
        if message.is_truncated && !own.socket.transport.is_stream() {
            // The rest comes over TCP (RFC 7766, 5).
            own.socket = Socket::new(own.socket.number + 1, Carrier::Tcp);
            own.copies = 0;
            own.began = now;
            return self.send_due(now);
        }
        own.state = State::Answered(message);
    }
}
