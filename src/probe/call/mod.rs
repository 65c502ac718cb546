//! A test call: whether it is answered, and whether audio goes and comes (RFC 3261,
//! 13; RFC 3264).
//!
//! Whatever happens, no call is left up: what rings is cancelled, what is answered is
//! acknowledged and ended, and what is answered twice is ended twice.

mod dialog;
mod ending;
mod media;
mod messages;
pub mod numbers;
mod responses;
mod tone;
mod verdict;

use self::dialog::Dialog;
pub(super) use self::media::direction;
pub use self::media::event;
use self::media::{Media, To};
use super::digest::{Credentials, Digest, Unanswerable};
use super::sip_client::{Heard, Opening, SipClient, State};
use super::target::SipTarget;
use super::{Carrier, Found, Input, Probe, Socket, Transmit};
use crate::net::Endpoint;
use crate::report::CallMeasurements;
use crate::sip::reply::field;
use crate::sip::{Method, build};
use crate::time::{SECOND, Timestamp};

/// What is to be found out.
#[derive(Debug)]
pub struct Config {
    /// The server's addresses; the next is asked where one is silent.
    pub servers: Vec<Endpoint>,
    /// Who is called, as it was named.
    pub target: SipTarget,
    /// Who calls; this host, where nobody is named.
    pub caller: Option<SipTarget>,
    /// What answers challenges.
    pub credentials: Credentials,
    /// Over what.
    pub transport: Carrier,
    /// How long to talk, in nanoseconds.
    pub talk_ns: i64,
    /// How long to let it ring, in nanoseconds.
    pub ring_ns: i64,
    /// Payload types of G.711, the best first.
    pub payload_types: Vec<u8>,
    /// Digits to be sent, as their events.
    pub digits: Vec<u8>,
    /// What branches, tags and Call-IDs are made of.
    pub rng: fastrand::Rng,
}

/// The sockets of media; those of signalling count from zero.
const RTP: u16 = 1000;
const RTCP: u16 = 1001;
/// The payload type of digits.
const DTMF: u8 = 101;
/// How long the end of what was cancelled is waited for.
const CANCELLING_NS: i64 = 5 * SECOND;

const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE";

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Sockets are opened.
    Opening,
    /// It was called.
    Calling,
    /// It was cancelled, as soon as that may be.
    Cancelling,
    /// It was answered.
    Talking,
    /// The last reports are waited for.
    Reporting,
    /// What was answered is being ended.
    Ending,
    /// Nothing is waited for.
    Over,
}

/// Why there was no call.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    NoAnswer,
    NotAnswered,
    Challenge(Unanswerable),
    Redirected,
    Rejected(u16),
    Unusable,
}

/// The probe.
#[derive(Debug)]
pub struct CallProbe {
    config: Config,
    client: SipClient,
    stage: Stage,
    place: usize,
    media: Media,
    /// Ports of RTP and RTCP that are wanted.
    port: u16,
    rtp: Option<Endpoint>,
    rtcp: Option<Endpoint>,
    /// INVITEs, and what else was asked, for the report.
    asked: Vec<(String, usize)>,
    invite: Option<usize>,
    /// Who is asked now: it changes with a redirect.
    callee: SipTarget,
    to: Endpoint,
    redirects: Vec<String>,
    call_id: String,
    tag: String,
    session: u32,
    cseq: u32,
    digest: Digest,
    dialogs: Vec<Dialog>,
    due: Option<Timestamp>,
    cancel: Option<usize>,
    faults: Vec<Fault>,
    began: Option<Timestamp>,
    answered: Option<Timestamp>,
    ended: Option<Timestamp>,
    /// Packets heard before the answer.
    early_packets: u64,
    is_stopped: bool,
    /// Refusals acknowledged, and requests answered.
    acknowledged: u32,
    requests: u32,
    told: CallMeasurements,
}

impl CallProbe {
    /// A probe that has sent nothing.
    #[must_use]
    pub fn new(mut config: Config) -> Self {
        let mut client = SipClient::new(config.transport, config.rng.fork()).listening();
        let to = config.servers.first().copied().unwrap_or_default();
        let digits = std::mem::take(&mut config.digits);
        Self {
            stage: Stage::Opening,
            place: 0,
            media: Media::new(to.ip, digits, &mut config.rng),
            port: super::client::first_port(&mut config.rng),
            rtp: None,
            rtcp: None,
            asked: Vec::new(),
            invite: None,
            callee: config.target.clone(),
            to,
            redirects: Vec::new(),
            call_id: client.word(24),
            tag: client.word(12),
            session: config.rng.u32(1..),
            cseq: 0,
            digest: Digest::new(config.credentials.clone()),
            dialogs: Vec::new(),
            due: None,
            cancel: None,
            faults: Vec::new(),
            began: None,
            answered: None,
            ended: None,
            early_packets: 0,
            is_stopped: false,
            acknowledged: 0,
            requests: 0,
            told: CallMeasurements {
                transport: config.transport.name().to_owned(),
                ..CallMeasurements::default()
            },
            client,
            config,
        }
    }

    const fn media_socket(&self, number: u16) -> Socket {
        Socket {
            number,
            transport: Carrier::Udp,
            port: Some(self.port.saturating_add(number.saturating_sub(RTP))),
            is_media: true,
        }
    }

    fn signalling(&self) -> u16 {
        u16::try_from(self.place).unwrap_or(RTP - 1)
    }

    fn go_on(&mut self, now: Timestamp) {
        self.client.send_due(now);
        while let Some(heard) = self.client.poll_heard() {
            match heard {
                Heard::Response(number, response) => self.response(now, number, &response),
                Heard::Request {
                    socket,
                    from,
                    octets,
                } => self.request(now, (socket, from), &octets),
            }
        }
        match self.stage {
            Stage::Opening => self.open(now),
            Stage::Calling | Stage::Cancelling => self.calling(now),
            Stage::Talking if self.is_due(now) => self.hang_up(now),
            Stage::Reporting if self.is_due(now) => self.end(now),
            Stage::Ending => self.ending(now),
            Stage::Talking | Stage::Reporting | Stage::Over => {}
        }
        self.send_media(now);
    }

    fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Opens what the description names, then calls.
    fn open(&mut self, now: Timestamp) {
        if self.is_stopped {
            self.stage = Stage::Over;
            return;
        }
        let number = self.signalling();
        match self.client.open(number, self.to) {
            Opening::Asked => return,
            Opening::Open(_) => {}
            Opening::Refused => return self.next_address(now),
        }
        if self.rtp.is_some() && self.rtcp.is_some() {
            self.began.get_or_insert(now);
            self.call(now);
        } else if self.began.is_none() {
            self.began = Some(now);
            for number in [RTP, RTCP] {
                let socket = self.media_socket(number);
                self.client.transmit(Transmit {
                    socket,
                    to: self.to,
                    octets: Vec::new(),
                });
            }
        }
    }

    fn next_address(&mut self, now: Timestamp) {
        self.place += 1;
        match self.config.servers.get(self.place) {
            Some(server) => {
                self.to = *server;
                self.stage = Stage::Opening;
                self.open(now);
            }
            None => self.fail(Fault::NoAnswer),
        }
    }

    fn fail(&mut self, fault: Fault) {
        self.faults.push(fault);
        self.stage = Stage::Over;
        self.media.stop();
    }

    /// Calls, or calls again.
    fn call(&mut self, now: Timestamp) {
        self.stage = Stage::Calling;
        self.due = Some(now.offset(self.config.ring_ns));
        self.cseq += 1;
        let number = self.signalling();
        self.told.local_address = Some(self.local().to_string());
        self.told.local_media = self.rtp.map(|own| own.to_string());
        let callee = self.callee.uri_of(&self.callee.user);
        let uri = format!("{callee}{}", self.callee.parameter(self.config.transport));
        self.told.request_uri.clone_from(&uri);
        let body = self.description();
        let credentials = self.digest.answer("INVITE", &uri, body.as_bytes());
        let branch = self.client.word(20);
        let via = self.client.via(number, &branch);
        let to = format!("<{callee}>");
        let mut headers = self.heads(via, to, self.cseq, &Method::Invite);
        headers.push(self.contact());
        headers.push(field("Allow", ALLOW.to_owned()));
        headers.push(field("Accept", "application/sdp".to_owned()));
        headers.extend(credentials);
        headers.push(field("User-Agent", super::AGENT.to_owned()));
        headers.push(field("Content-Type", "application/sdp".to_owned()));
        let octets = build::request_to("INVITE", &uri, headers, body.as_bytes());
        let to = (number, self.to);
        let exchange = (self.client).ask_in(now, to, Method::Invite, branch, |_| octets);
        self.asked.push(("INVITE".to_owned(), exchange));
        self.invite = Some(exchange);
    }

    fn calling(&mut self, now: Timestamp) {
        let Some(exchange) = self.invite.and_then(|own| self.client.get(own)) else {
            return;
        };
        match &exchange.state {
            State::Silent | State::Refused(_) if self.is_stopped => self.fail(Fault::NoAnswer),
            State::Silent | State::Refused(_) => self.next_address(now),
            State::Waiting => {
                let rings = exchange.provisional > 0;
                if self.stage == Stage::Cancelling && rings && self.cancel.is_none() {
                    self.send_cancel(now);
                } else if self.stage == Stage::Calling && self.is_due(now) {
                    self.faults.push(Fault::NotAnswered);
                    self.give_up(now);
                } else if self.cancel.is_some() && self.is_due(now) {
                    // Who answers a CANCEL with nothing answers nothing more.
                    self.stage = Stage::Over;
                }
            }
            // An answer that can't be read may come again; it is not waited for for ever.
            State::Answered(_) if self.due.is_none() => self.due = Some(now.offset(CANCELLING_NS)),
            State::Answered(_) if self.is_due(now) => self.fail(Fault::Unusable),
            State::Answered(_) => {}
        }
    }

    /// Wants no answer any more; a CANCEL may follow what rings alone (RFC 3261,
    /// 9.1).
    fn give_up(&mut self, now: Timestamp) {
        self.stage = Stage::Cancelling;
        self.due = None;
        self.media.stop();
        self.calling(now);
    }

    fn send_cancel(&mut self, now: Timestamp) {
        let Some(branch) = (self.invite)
            .and_then(|own| self.client.get(own))
            .map(|own| own.branch.clone())
        else {
            return;
        };
        let (number, cseq) = (self.signalling(), self.cseq);
        let via = self.client.via(number, &branch);
        let to = format!("<{}>", self.callee.uri_of(&self.callee.user));
        let headers = self.heads(via, to, cseq, &Method::Cancel);
        let octets = build::request_to("CANCEL", &self.told.request_uri, headers, b"");
        let to = (number, self.to);
        let exchange = (self.client).ask_in(now, to, Method::Cancel, branch, |_| octets);
        self.asked.push(("CANCEL".to_owned(), exchange));
        self.cancel = Some(exchange);
        self.due = Some(now.offset(CANCELLING_NS));
    }

    fn send_media(&mut self, now: Timestamp) {
        let mut due = Vec::new();
        self.media.send_due(now, &mut due);
        for (port, to, octets) in due {
            self.send_packet(port, to, octets);
        }
    }

    fn send_packet(&mut self, port: To, to: Endpoint, octets: Vec<u8>) {
        let number = match port {
            To::Rtp => RTP,
            To::Rtcp => RTCP,
        };
        let socket = self.media_socket(number);
        self.client.transmit(Transmit { socket, to, octets });
    }
}

impl Probe for CallProbe {
    fn handle(&mut self, now: Timestamp, input: Input<'_>) {
        match input {
            Input::Opened { socket: RTP, local } => self.rtp = Some(local),
            Input::Opened {
                socket: RTCP,
                local,
            } => self.rtcp = Some(local),
            Input::Refused {
                socket: RTP | RTCP, ..
            } if self.rtp.is_none() || self.rtcp.is_none() => self.fail(Fault::NoAnswer),
            // What an ICMP error says of media shows in what comes back.
            Input::Refused {
                socket: RTP | RTCP, ..
            } => {}
            Input::Received {
                socket: RTP | RTCP,
                from,
                octets,
                ..
            } => self.media.received(now, from, octets),
            input => self.client.handle(now, input),
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
        if self.stage == Stage::Over {
            return None;
        }
        let due = [
            self.client.poll_timeout(),
            self.media.poll_timeout(),
            self.due,
        ];
        due.into_iter().flatten().min()
    }

    fn stop(&mut self, now: Timestamp) {
        self.is_stopped = true;
        match self.stage {
            Stage::Opening => self.stage = Stage::Over,
            Stage::Calling => self.give_up(now),
            Stage::Talking | Stage::Reporting => self.end(now),
            Stage::Cancelling | Stage::Ending | Stage::Over => {}
        }
    }

    /// To cancel, to acknowledge what crosses that, and to end it.
    fn reserve(&self) -> u64 {
        match self.stage {
            Stage::Opening | Stage::Over => 0,
            _ => 8,
        }
    }

    fn found(&self) -> Found {
        self.told_so_far()
    }
}
