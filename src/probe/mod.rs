//! Active probes: state machines without sockets or clocks, and the one driver
//! that has both.
//!
//! A [`Probe`] is told what arrives and what time it is, and is asked what to
//! send, when to be woken and, when it is done, what it found. The same probe
//! runs against servers over [`driver`] and, in tests, against an emulated NAT.

pub mod alg;
pub mod call;
mod carrier;
mod client;
mod digest;
pub mod dns;
pub mod driver;
pub mod nat;
pub mod options;
pub mod register;
mod sip_client;
mod stream;
pub mod stun;
mod tap;
pub mod target;
pub mod turn;

pub use carrier::Carrier;
pub use client::Ids;
pub use digest::Credentials;
pub use stream::Trust;

use crate::net::Endpoint;
use crate::report::{Measurements, ProbeStep};
use crate::time::Timestamp;

/// A socket, as a probe numbers its own; opened when it is first used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Socket {
    /// Its number.
    pub number: u16,
    /// What it speaks.
    pub transport: Carrier,
    /// The local port, where one is wanted.
    pub port: Option<u16>,
    /// Whether it sends at the steady pace of media.
    pub is_media: bool,
}

impl Socket {
    /// A socket at any port.
    #[must_use]
    pub const fn new(number: u16, transport: Carrier) -> Self {
        Self {
            number,
            transport,
            port: None,
            is_media: false,
        }
    }
}

/// Octets that are to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// From which socket.
    pub socket: Socket,
    /// To whom.
    pub to: Endpoint,
    /// What; nothing, where the socket is only to be opened, and its address told.
    pub octets: Vec<u8>,
}

/// How a probe names itself in what it sends.
const AGENT: &str = concat!("sip-inspect ", env!("CARGO_PKG_VERSION"));

/// What a probe is told.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A socket was opened as it was asked to, with nothing sent yet.
    Opened {
        /// By the number of the socket.
        socket: u16,
        /// Its address, as the host knows it.
        local: Endpoint,
    },
    /// Octets came: a datagram, or some of a stream.
    Received {
        /// By the number of the socket.
        socket: u16,
        /// The address of the socket, as the host knows it.
        local: Endpoint,
        /// From whom.
        from: Endpoint,
        /// What.
        octets: &'a [u8],
    },
    /// A socket can't reach whom it is to send to.
    Refused {
        /// By the number of the socket.
        socket: u16,
        /// Whom.
        to: Endpoint,
        /// What the system says.
        why: &'a str,
    },
}

/// How a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It found out what it was to find out.
    Done,
    /// What was asked for is not so.
    Failed,
    /// Nobody answered.
    NoAnswer,
    /// Answers came, and they do not suffice.
    Inconclusive,
}

/// What a probe found.
#[derive(Clone, Debug)]
pub struct Found {
    /// In a word, for machines.
    pub verdict: String,
    /// How it ended.
    pub ending: Ending,
    /// What was tried, in order.
    pub steps: Vec<ProbeStep>,
    /// What was measured.
    pub measurements: Measurements,
    /// Datagrams that answered nothing that was asked.
    pub strays: u64,
}

/// A probe. After each call of [`Probe::handle`] and [`Probe::handle_timeout`],
/// [`Probe::poll_transmit`] is asked until it answers `None`.
pub trait Probe {
    /// Takes what came.
    fn handle(&mut self, now: Timestamp, input: Input<'_>);

    /// Takes the time. The first call begins the probe.
    fn handle_timeout(&mut self, now: Timestamp);

    /// What is to be sent next.
    fn poll_transmit(&mut self) -> Option<Transmit>;

    /// When [`Probe::handle_timeout`] is wanted; `None` when nothing is waited
    /// for and the probe is done.
    fn poll_timeout(&self) -> Option<Timestamp>;

    /// Says that it is to end: what it began elsewhere it undoes, and no more.
    fn stop(&mut self, now: Timestamp) {
        let _ = now;
    }

    /// Packets that it takes to undo what was begun elsewhere.
    fn reserve(&self) -> u64 {
        0
    }

    /// What was found; before the end what was found so far.
    fn found(&self) -> Found;
}
