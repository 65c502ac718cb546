//! How long a binding lives unused (RFC 5780, 4.6).
//!
//! A socket asks once and falls silent. After a while another asks the server to
//! answer to the port of the first: what arrives there shows that the binding
//! lives. Each span has a socket of its own, and all are watched at once.

use crate::net::Endpoint;
use crate::probe::client::{ASKING, Client, RULING_OUT};
use crate::probe::{Carrier, Socket};
use crate::stun::build::Wanted;
use crate::time::{SECOND, Timestamp};

/// Spans that are watched at once, in seconds.
const LADDER: [u64; 16] = [
    2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 150, 180, 240, 300, 420, 600,
];
/// How often the gap between alive and gone is halved.
const HALVINGS: u32 = 4;
/// A gap that is small enough, in seconds.
const NARROW_S: u64 = 2;

#[derive(Debug)]
struct Trial {
    seconds: u64,
    /// The socket that falls silent.
    asleep: Socket,
    first: usize,
    /// When the other asks.
    due: Option<Timestamp>,
    second: Option<usize>,
}

/// The watch.
#[derive(Debug)]
pub(super) struct Lifetime {
    server: Endpoint,
    trials: Vec<Trial>,
    next_socket: u16,
    most_s: u64,
    halvings: u32,
}

/// What became of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Alive,
    Gone,
    /// The server did not do what it was asked to.
    Unknown,
}

/// What the watch shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    /// Alive after so many seconds.
    pub at_least_s: Option<u64>,
    /// Gone after so many.
    pub at_most_s: Option<u64>,
    /// Whether the server answers to another port at all.
    pub is_judged: bool,
}

impl Lifetime {
    pub(super) fn new(server: Endpoint, most_s: u64, first_socket: u16) -> Self {
        Self {
            server,
            trials: Vec::new(),
            next_socket: first_socket,
            most_s,
            halvings: 0,
        }
    }

    fn socket(&mut self) -> Socket {
        let number = self.next_socket;
        self.next_socket = self.next_socket.saturating_add(1);
        Socket::new(number, Carrier::Udp)
    }

    /// The first trial waits for nothing: it shows that the server plays along.
    pub(super) fn begin(&mut self, now: Timestamp, client: &mut Client) {
        let spans = LADDER.into_iter().filter(|own| *own <= self.most_s);
        let spans: Vec<u64> = std::iter::once(0).chain(spans).collect();
        for seconds in spans {
            self.watch(now, client, seconds);
        }
    }

    fn watch(&mut self, now: Timestamp, client: &mut Client, seconds: u64) {
        let asleep = self.socket();
        let first = client.ask(now, asleep, self.server, Wanted::default(), ASKING);
        self.trials.push(Trial {
            seconds,
            asleep,
            first,
            due: None,
            second: None,
        });
    }

    /// Does what is due.
    pub(super) fn go_on(&mut self, now: Timestamp, client: &mut Client) {
        for place in 0..self.trials.len() {
            let Some(trial) = self.trials.get(place) else {
                continue;
            };
            let (asleep, seconds) = (trial.asleep, trial.seconds);
            let mapped = client.answer(trial.first).and_then(|own| own.mapped);
            let (None, Some(mapped)) = (trial.second, mapped) else {
                continue;
            };
            let answered = client.get(trial.first).and_then(|own| own.ended);
            let wait = i64::try_from(seconds)
                .unwrap_or(i64::MAX)
                .saturating_mul(SECOND);
            let due = answered.unwrap_or(now).offset(wait);
            let second = (due <= now).then(|| {
                let awake = self.socket();
                let wanted = Wanted {
                    response_port: Some(mapped.port),
                    ..Wanted::default()
                };
                let second = client.ask(now, awake, self.server, wanted, RULING_OUT);
                client.also_at(second, asleep.number);
                second
            });
            if let Some(trial) = self.trials.get_mut(place) {
                trial.due = Some(due).filter(|_| second.is_none());
                trial.second = second;
            }
        }
        if self.is_over(client) {
            self.halve(now, client);
        }
    }

    fn halve(&mut self, now: Timestamp, client: &mut Client) {
        let span = self.span(client);
        let (Some(low), Some(high)) = (span.at_least_s, span.at_most_s) else {
            return;
        };
        let middle = low.midpoint(high);
        if self.halvings < HALVINGS && high.saturating_sub(low) > NARROW_S && span.is_judged {
            self.halvings += 1;
            self.watch(now, client, middle);
        }
    }

    fn fate(trial: &Trial, client: &Client) -> Fate {
        if client.is_over(trial.first) && client.answer(trial.first).is_none() {
            return Fate::Unknown;
        }
        let Some(second) = trial.second.filter(|own| client.is_over(*own)) else {
            return Fate::Open;
        };
        match client.get(second).map(|own| own.answer()) {
            Some(Some(answer)) if answer.socket == trial.asleep.number => Fate::Alive,
            Some(None) => Fate::Gone,
            _ => Fate::Unknown,
        }
    }

    /// Whether all that was watched is known.
    pub(super) fn is_over(&self, client: &Client) -> bool {
        let mut trials = self.trials.iter();
        trials.all(|own| Self::fate(own, client) != Fate::Open)
    }

    /// When something is due.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.trials.iter().filter_map(|own| own.due).min()
    }

    /// What it shows so far.
    pub(super) fn span(&self, client: &Client) -> Span {
        let of = |fate| {
            let trials = self.trials.iter();
            trials
                .filter(move |own| Self::fate(own, client) == fate)
                .map(|own| own.seconds)
        };
        // Without a wait the binding lives: else the server did not play along.
        let is_judged = of(Fate::Alive).any(|own| own == 0);
        let at_least_s = of(Fate::Alive).max();
        let at_most_s = of(Fate::Gone).filter(|own| Some(*own) > at_least_s).min();
        Span {
            at_least_s: at_least_s.filter(|_| is_judged),
            at_most_s: at_most_s.filter(|_| is_judged),
            is_judged,
        }
    }
}
