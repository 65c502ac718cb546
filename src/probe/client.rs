//! STUN requests and what answers them (RFC 8489, 6.2).

use std::collections::{HashMap, VecDeque};

use super::digest::Credentials;
use super::{Socket, Transmit};
use crate::net::Endpoint;
use crate::octets;
use crate::report::{ProbeStep, milliseconds};
use crate::stun::build::{
    Signer, Transaction, TurnMessage, Wanted, random_transaction, signed_binding_request,
};
use crate::stun::{Class, StunFramed, StunFramer, StunMessage};
use crate::time::{MILLISECOND, Timestamp};

/// Where transactions come from.
#[derive(Debug)]
pub enum Ids {
    /// Nobody guesses them.
    Random,
    /// The same in every run of a test.
    Seeded(fastrand::Rng),
}

impl Ids {
    fn next(&mut self) -> Transaction {
        match self {
            Self::Random => random_transaction(),
            Self::Seeded(rng) => std::array::from_fn(|_| rng.u8(..)),
        }
    }
}

/// When a request is sent, in milliseconds, and how long the last copy waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    sends: &'static [i64],
    wait: i64,
    /// Whether each copy is a request of its own: at a steady pace it is no
    /// retransmission (RFC 8489, 6.2.1).
    is_fresh: bool,
}

/// An answer is expected: RFC 8489, 6.2.1, with half the first wait, since a
/// person waits for it.
pub(super) const ASKING: Schedule = Schedule {
    sends: &[0, 250, 750, 1750, 2750, 3750],
    wait: 1500,
    is_fresh: false,
};

/// That no answer comes is to mean something: loss must be ruled out. Where a
/// third of all exchanges is lost, one in 200,000 loses all these.
pub(super) const RULING_OUT: Schedule = Schedule {
    sends: &[
        0, 250, 500, 750, 1000, 1250, 1500, 1750, 2000, 2250, 2500, 2750,
    ],
    wait: 1000,
    is_fresh: true,
};

/// Over a transport that repeats by itself one copy is enough; a person does
/// not wait for the 39.5 s of RFC 8489, 6.2.2.
pub(super) const ONCE: Schedule = Schedule {
    sends: &[0],
    wait: 5000,
    is_fresh: false,
};

/// What a server answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// From where it came.
    pub from: Endpoint,
    /// The socket that it came to.
    pub socket: u16,
    /// The address of that socket, as the host knows it.
    pub local: Endpoint,
    /// From the copy of the request before it, in nanoseconds.
    pub round_trip_ns: i64,
    /// The code, where it is a refusal.
    pub error: Option<u16>,
    /// Where the server saw the request come from.
    pub mapped: Option<Endpoint>,
    /// MAPPED-ADDRESS, where it is another than XOR-MAPPED-ADDRESS.
    pub rewritten: Option<Endpoint>,
    /// RESPONSE-ORIGIN.
    pub origin: Option<Endpoint>,
    /// OTHER-ADDRESS.
    pub other: Option<Endpoint>,
    /// ALTERNATE-SERVER.
    pub alternate: Option<Endpoint>,
    /// SOFTWARE.
    pub software: Option<String>,
    /// XOR-RELAYED-ADDRESS.
    pub relayed: Option<Endpoint>,
    /// LIFETIME, in seconds.
    pub lifetime_s: Option<u32>,
}

/// How a request stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    /// It waits.
    Waiting,
    /// It was answered.
    Answered(Box<Answer>),
    /// Nobody answered.
    Silent,
    /// It could not be sent.
    Refused(String),
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub socket: Socket,
    pub to: Endpoint,
    /// Where else the answer may come to.
    pub also: Option<u16>,
    pub wanted: Wanted,
    /// What is asked of a relay, in place of a Binding.
    turn: Option<TurnMessage>,
    /// Challenges to it.
    pub challenges: u8,
    pub state: State,
    /// Copies sent.
    pub copies: usize,
    /// One, or one for each copy.
    transactions: Vec<Transaction>,
    schedule: Schedule,
    is_signed: bool,
    began: Timestamp,
    last: Timestamp,
    pub ended: Option<Timestamp>,
}

impl Exchange {
    /// The answer, if there is one and it is no refusal.
    pub(super) fn answer(&self) -> Option<&Answer> {
        match &self.state {
            State::Answered(answer) if answer.error.is_none() => Some(answer),
            _ => None,
        }
    }

    /// Asks anew, as another transaction.
    fn restart(&mut self, now: Timestamp) {
        self.transactions.clear();
        self.copies = 0;
        self.began = now;
    }

    fn due(&self) -> Option<Timestamp> {
        if self.state != State::Waiting {
            return None;
        }
        let after = match self.schedule.sends.get(self.copies) {
            Some(after) => *after,
            None => self
                .schedule
                .sends
                .last()?
                .saturating_add(self.schedule.wait),
        };
        Some(self.began.offset(after.saturating_mul(MILLISECOND)))
    }
}

/// Challenges to one request that are answered: the first, and one for a nonce that
/// was stale.
const MAX_CHALLENGES: u8 = 2;

/// Packets that wait to be looked at.
const MAX_HEARD: usize = 64;

/// Requests under way, and what came of those before.
#[derive(Debug)]
pub(super) struct Client {
    /// Who answers challenges.
    login: Option<Credentials>,
    /// As the server asked for it last.
    signer: Option<Signer>,
    /// Whether the server wants it of a Binding too, as few do.
    signs_bindings: bool,
    ids: Ids,
    exchanges: Vec<Exchange>,
    outgoing: VecDeque<Transmit>,
    /// What streams hold of messages that are not whole yet.
    framers: HashMap<u16, StunFramer>,
    /// Whether it hears what is no response.
    listens: bool,
    heard: VecDeque<(u16, Vec<u8>)>,
    /// Datagrams that answered nothing that was asked.
    pub strays: u64,
}

impl Client {
    pub(super) fn new(ids: Ids) -> Self {
        Self {
            login: None,
            signer: None,
            signs_bindings: false,
            ids,
            exchanges: Vec::new(),
            outgoing: VecDeque::new(),
            framers: HashMap::new(),
            listens: false,
            heard: VecDeque::new(),
            strays: 0,
        }
    }

    /// Hears what is no response: [`Self::poll_heard`] tells it.
    pub(super) const fn listening(mut self) -> Self {
        self.listens = true;
        self
    }

    /// What came that is no response, and to which socket: indications, and what is
    /// no STUN.
    pub(super) fn poll_heard(&mut self) -> Option<(u16, Vec<u8>)> {
        self.heard.pop_front()
    }

    fn hear(&mut self, socket: u16, octets: &[u8]) {
        if self.listens && self.heard.len() < MAX_HEARD {
            self.heard.push_back((socket, octets.to_vec()));
        } else if self.listens {
            self.strays = self.strays.saturating_add(1);
        }
    }

    /// Answers challenges as somebody.
    pub(super) fn log_in(&mut self, login: Credentials) {
        self.login = Some(login);
    }

    /// The realm that was answered for.
    pub(super) fn realm(&self) -> Option<&str> {
        self.signer.as_ref().map(|own| own.realm.as_str())
    }

    /// Asks for a Binding; hands back the number of the exchange.
    pub(super) fn ask(
        &mut self,
        now: Timestamp,
        socket: Socket,
        to: Endpoint,
        wanted: Wanted,
        schedule: Schedule,
    ) -> usize {
        self.ask_for(now, (socket, to), (wanted, None), schedule)
    }

    /// Asks a relay for something.
    pub(super) fn ask_relay(
        &mut self,
        now: Timestamp,
        to: (Socket, Endpoint),
        turn: TurnMessage,
    ) -> usize {
        self.ask_for(now, to, (Wanted::default(), Some(turn)), ASKING)
    }

    fn ask_for(
        &mut self,
        now: Timestamp,
        (socket, to): (Socket, Endpoint),
        (wanted, turn): (Wanted, Option<TurnMessage>),
        schedule: Schedule,
    ) -> usize {
        let is_stream = socket.transport.is_stream();
        let number = self.exchanges.len();
        self.exchanges.push(Exchange {
            socket,
            to,
            also: None,
            wanted,
            turn,
            challenges: 0,
            state: State::Waiting,
            copies: 0,
            transactions: Vec::new(),
            schedule: if is_stream { ONCE } else { schedule },
            is_signed: false,
            began: now,
            last: now,
            ended: None,
        });
        self.send_due(now);
        number
    }

    /// Lets the answer of an exchange come to another socket as well.
    pub(super) fn also_at(&mut self, number: usize, socket: u16) {
        if let Some(exchange) = self.exchanges.get_mut(number) {
            exchange.also = Some(socket);
        }
    }

    pub(super) fn get(&self, number: usize) -> Option<&Exchange> {
        self.exchanges.get(number)
    }

    /// The answer to an exchange that is no refusal.
    pub(super) fn answer(&self, number: usize) -> Option<&Answer> {
        self.get(number)?.answer()
    }

    pub(super) fn is_over(&self, number: usize) -> bool {
        self.get(number)
            .is_none_or(|own| own.state != State::Waiting)
    }

    /// Takes octets: a datagram, or some of a stream. Says whether they are of
    /// an exchange.
    pub(super) fn received(
        &mut self,
        now: Timestamp,
        socket: u16,
        local: Endpoint,
        from: Endpoint,
        octets: &[u8],
    ) -> bool {
        let mut own = self.exchanges.iter().map(|own| own.socket);
        let is_stream = |own: Socket| own.number == socket && own.transport.is_stream();
        if !own.any(is_stream) {
            return self.message(now, socket, local, from, octets);
        }
        let mut framer = self.framers.remove(&socket).unwrap_or_default();
        framer.push(octets);
        let mut is_own = true;
        while let Some(framed) = framer.poll() {
            match framed {
                StunFramed::Message(octets) => {
                    is_own &= self.message(now, socket, local, from, &octets);
                }
                StunFramed::NotPadded => {}
                StunFramed::Channel(octets) | StunFramed::Media(octets) => {
                    is_own = false;
                    self.hear(socket, &octets);
                }
                // Where the next message begins can't be known any more.
                StunFramed::Lost => {
                    self.refused(now, socket, from, "what came is no STUN");
                    return false;
                }
            }
        }
        self.framers.insert(socket, framer);
        is_own
    }

    fn message(
        &mut self,
        now: Timestamp,
        socket: u16,
        local: Endpoint,
        from: Endpoint,
        octets: &[u8],
    ) -> bool {
        let message = StunMessage::parse(octets);
        let Some(message) = message
            .filter(|own| matches!(own.class, Class::SuccessResponse | Class::ErrorResponse))
        else {
            self.hear(socket, octets);
            return false;
        };
        let known = self.exchanges.iter_mut().find(|own| {
            (own.socket.number == socket || own.also == Some(socket))
                && (own.transactions.iter())
                    .any(|own| message.transaction_id.get(4..) == Some(&own[..]))
        });
        // Who was not asked does not answer, unless another address was wanted.
        let known = known.filter(|own| own.to == from || own.wanted.change.is_some());
        let Some(exchange) = known else {
            self.strays = self.strays.saturating_add(1);
            return false;
        };
        // Copies of the answer come too, one for each copy of the request.
        if exchange.state != State::Waiting {
            return true;
        }
        let is_error = message.class == Class::ErrorResponse;
        let signer = challenged(&message, self.login.as_ref());
        if let Some(signer) = signer.filter(|_| exchange.challenges < MAX_CHALLENGES) {
            // The same password is not tried again (RFC 8489, 9.2.5).
            let is_stale = message.error_code() == Some(438);
            exchange.challenges += 1;
            if exchange.challenges == 1 || is_stale {
                self.signer = Some(signer);
                self.signs_bindings |= exchange.turn.is_none();
                exchange.restart(now);
                self.send_due(now);
                return true;
            }
        }
        // What answers a signed request is signed, but for refusals (RFC 8489, 9.2.4).
        let is_signed = exchange.is_signed && !is_error;
        if is_signed
            && !self
                .signer
                .as_ref()
                .is_some_and(|own| own.has_signed(octets))
        {
            self.strays = self.strays.saturating_add(1);
            return false;
        }
        exchange.ended = Some(now);
        exchange.state = State::Answered(Box::new(Answer {
            from,
            socket,
            local,
            round_trip_ns: now.since(exchange.last),
            error: is_error.then(|| message.error_code().unwrap_or(0)),
            mapped: message.mapped_address(),
            rewritten: message.rewritten_address(),
            origin: message.response_origin(),
            other: message.other_address(),
            alternate: message.alternate_server(),
            software: message.software().map(octets::text),
            relayed: message.relayed_address(),
            lifetime_s: message.lifetime(),
        }));
        true
    }

    /// A socket can't reach a server.
    pub(super) fn refused(&mut self, now: Timestamp, socket: u16, to: Endpoint, why: &str) {
        for exchange in &mut self.exchanges {
            let is_own = exchange.socket.number == socket && exchange.to == to;
            if is_own && exchange.state == State::Waiting {
                exchange.state = State::Refused(why.to_owned());
                exchange.ended = Some(now);
            }
        }
    }

    /// Sends what is due, gives up what has waited long enough.
    pub(super) fn send_due(&mut self, now: Timestamp) {
        for exchange in &mut self.exchanges {
            while let Some(due) = exchange.due().filter(|due| *due <= now) {
                if exchange.copies >= exchange.schedule.sends.len() {
                    exchange.state = State::Silent;
                    exchange.ended = Some(due);
                    break;
                }
                exchange.copies += 1;
                exchange.last = now;
                let again = exchange.transactions.last().copied();
                let transaction = match again.filter(|_| !exchange.schedule.is_fresh) {
                    Some(transaction) => transaction,
                    None => {
                        let transaction = self.ids.next();
                        exchange.transactions.push(transaction);
                        transaction
                    }
                };
                let is_wanted = exchange.turn.is_some() || self.signs_bindings;
                let signer = self.signer.as_ref().filter(|_| is_wanted);
                exchange.is_signed = signer.is_some();
                self.outgoing.push_back(Transmit {
                    socket: exchange.socket,
                    to: exchange.to,
                    octets: match &exchange.turn {
                        Some(turn) => turn.written(transaction, signer),
                        None => signed_binding_request(transaction, exchange.wanted, signer),
                    },
                });
            }
        }
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.outgoing.pop_front()
    }

    /// Sends octets of the probe's own.
    pub(super) fn send(&mut self, socket: Socket, to: Endpoint, octets: Vec<u8>) {
        self.outgoing.push_back(Transmit { socket, to, octets });
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.exchanges.iter().filter_map(Exchange::due).min()
    }
}

/// The credential that a challenge asks for, if somebody is there to give it.
fn challenged(message: &StunMessage<'_>, login: Option<&Credentials>) -> Option<Signer> {
    let login = login?;
    if !matches!(message.error_code()?, 401 | 438) {
        return None;
    }
    let text = |octets| Some(std::str::from_utf8(octets).ok()?.to_owned());
    let realm = text(message.realm()?)?;
    let is_wanted = login.realm.as_ref().is_none_or(|own| *own == realm);
    Some(Signer {
        user: login.user.clone(),
        password: login.password.clone()?,
        nonce: text(message.nonce()?)?,
        realm,
    })
    .filter(|_| is_wanted)
}

/// An exchange as a report tells it.
pub(super) fn step(name: &str, exchange: &Exchange) -> ProbeStep {
    let (outcome, says, rtt_ms) = match &exchange.state {
        State::Waiting => ("waiting", "nothing yet".to_owned(), None),
        State::Silent => ("silent", "no answer".to_owned(), None),
        State::Refused(why) => ("refused", why.clone(), None),
        State::Answered(answer) => {
            let says = match (answer.error, answer.mapped) {
                (Some(code), _) => format!("{} refuses with {code}", answer.from),
                (None, Some(mapped)) if answer.from == exchange.to => {
                    format!("{} is seen as {mapped}", answer.local)
                }
                (None, Some(mapped)) => {
                    format!("{} is seen as {mapped}, says {}", answer.local, answer.from)
                }
                (None, None) => "it was done".to_owned(),
            };
            ("answered", says, Some(milliseconds(answer.round_trip_ns)))
        }
    };
    ProbeStep {
        name: name.to_owned(),
        outcome: outcome.to_owned(),
        to: Some(exchange.to.to_string()),
        says,
        sent: exchange.copies as u64,
        rtt_ms,
    }
}

/// Ports for client sockets, never used before: the upper half of all.
pub(super) fn first_port(rng: &mut fastrand::Rng) -> u16 {
    rng.u16(16_384..32_000) * 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Carrier;
    use crate::stun::build::{Told, binding_success};

    fn endpoint(text: &str) -> Endpoint {
        let address: std::net::SocketAddr = text.parse().expect("an endpoint");
        Endpoint::new(address.ip(), address.port())
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_nanos(ms * 1_000_000)
    }

    const SOCKET: Socket = Socket::new(1, Carrier::Udp);

    #[test]
    fn requests_are_sent_again_until_they_are_given_up() {
        let mut client = Client::new(Ids::Seeded(fastrand::Rng::with_seed(7)));
        let to = endpoint("192.0.2.1:3478");
        let number = client.ask(at(0), SOCKET, to, Wanted::default(), ASKING);
        let mut sent = Vec::new();
        let mut now = at(0);
        loop {
            while client.poll_transmit().is_some() {
                sent.push(now.as_nanos() / 1_000_000);
            }
            let Some(next) = client.poll_timeout() else {
                break;
            };
            now = next;
            client.send_due(now);
        }
        assert_eq!(sent, [0, 250, 750, 1750, 2750, 3750]);
        assert_eq!(now, at(5250));
        assert_eq!(
            client.get(number).map(|own| &own.state),
            Some(&State::Silent)
        );
    }

    #[test]
    fn only_who_was_asked_answers_what_was_asked() {
        let local = endpoint("10.0.0.1:4000");
        let server = endpoint("192.0.2.1:3478");
        let check = |socket, from: &str, change: bool, turn: u8, expected: bool| {
            let mut client = Client::new(Ids::Seeded(fastrand::Rng::with_seed(7)));
            let wanted = Wanted {
                change: change.then_some((true, true)),
                ..Wanted::default()
            };
            let number = client.ask(at(0), SOCKET, server, wanted, ASKING);
            let request = client.poll_transmit().expect("a request").octets;
            let mut transaction: Transaction = request[8..20].try_into().expect("twelve");
            transaction[0] ^= turn;
            let told = Told {
                mapped: local,
                origin: None,
                other: None,
                software: "",
                padding: None,
            };
            let answer = binding_success(transaction, &told);
            let from = endpoint(from);
            assert_eq!(
                client.received(at(30), socket, local, from, &answer),
                expected
            );
            assert_eq!(client.is_over(number), expected);
            assert_eq!(client.strays, u64::from(!expected));
            // Ten thousand copies change nothing.
            for _ in 0..10_000 {
                assert_eq!(
                    client.received(at(31), socket, local, from, &answer),
                    expected
                );
            }
            assert!(client.poll_transmit().is_none());
        };
        check(1, "192.0.2.1:3478", false, 0, true);
        check(1, "192.0.2.1:3479", false, 0, false);
        check(1, "192.0.2.2:3479", true, 0, true);
        check(2, "192.0.2.1:3478", false, 0, false);
        check(1, "192.0.2.1:3478", false, 1, false);
    }

    #[test]
    fn answers_on_streams_come_in_any_pieces() {
        let local = endpoint("10.0.0.1:4000");
        let server = endpoint("192.0.2.1:3478");
        let socket = Socket {
            transport: Carrier::Tcp,
            ..SOCKET
        };
        for size in 1..60 {
            let mut client = Client::new(Ids::Seeded(fastrand::Rng::with_seed(7)));
            let number = client.ask(at(0), socket, server, Wanted::default(), ASKING);
            let request = client.poll_transmit().expect("a request").octets;
            let told = Told {
                mapped: local,
                origin: None,
                other: None,
                software: "",
                padding: None,
            };
            let transaction: Transaction = request[8..20].try_into().expect("twelve");
            let answer = binding_success(transaction, &told);
            for piece in answer.chunks(size) {
                assert!(!client.is_over(number));
                client.received(at(30), 1, local, server, piece);
            }
            assert_eq!(
                client.answer(number).and_then(|own| own.mapped),
                Some(local)
            );
        }
        let mut client = Client::new(Ids::Random);
        let number = client.ask(at(0), socket, server, Wanted::default(), ASKING);
        client.received(at(30), 1, local, server, &[0xff; 64]);
        assert!(client.is_over(number) && client.answer(number).is_none());
    }
}
