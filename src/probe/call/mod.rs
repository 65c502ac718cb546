//! A test call: whether it is answered, and whether audio goes and comes (RFC 3261,
//! 13; RFC 3264).
//!
//! Whatever happens, no call is left up: what rings is cancelled, what is answered is
//! acknowledged and ended, and what is answered twice is ended twice.

mod dialog;
mod media;
mod messages;
pub mod numbers;
mod tone;
mod verdict;

use self::dialog::{Dialog, is_one_host, uri};
pub(super) use self::media::direction;
pub use self::media::event;
use self::media::{Media, Remote, To};
use super::digest::{Credentials, Digest, Unanswerable};
use super::options::mapped;
use super::sip_client::{Heard, Opening, Response, SipClient, State, phrase};
use super::target::SipTarget;
use super::{Carrier, Found, Input, Probe, Socket, Transmit};
use crate::net::Endpoint;
use crate::report::{CallMeasurements, milliseconds};
use crate::rtp::g711::Law;
use crate::sdp::{MediaDirection, MediaKind, SessionDescription};
use crate::sip::header::{HeaderName, NameAddr};
use crate::sip::reply::{Answer, field, reply};
use crate::sip::{Method, SipMessage, StartLine, Uri, build};
use crate::time::{MILLISECOND, SECOND, Timestamp};

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
/// Redirects that are followed.
const MAX_REDIRECTS: usize = 5;
/// Answers that are ended; a peer that forks further is left to its own timers.
const MAX_DIALOGS: usize = 64;
/// Copies of an answer that are acknowledged: who follows RFC 3261 sends eleven.
const MAX_COPIES: u32 = 16;
/// Requests of the other side that are answered.
const MAX_REQUESTS: u32 = 64;
/// How long the last reports are waited for.
const LAST_REPORTS_NS: i64 = 300 * MILLISECOND;
/// How long the end of what was cancelled is waited for.
const CANCELLING_NS: i64 = 5 * SECOND;
/// Late answers to a call that is over are waited for so long.
const LINGERING_NS: i64 = 200 * MILLISECOND;

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

    fn response(&mut self, now: Timestamp, number: usize, response: &Response) {
        let Some(message) = response.message() else {
            return;
        };
        match response.status {
            ..200 => self.provisional(now, number, response, &message),
            200..300 => self.accepted(now, number, response, &message),
            _ => self.refused(now, number, response, &message),
        }
    }

    fn provisional(
        &mut self,
        now: Timestamp,
        number: usize,
        response: &Response,
        message: &SipMessage<'_>,
    ) {
        if Some(number) != self.invite || self.stage != Stage::Calling {
            return;
        }
        self.told.server = Some(response.from.to_string());
        if self.told.provisional.last() != Some(&response.status)
            && self.told.provisional.len() < 16
        {
            self.told.provisional.push(response.status);
        }
        if response.status > 100 && self.told.pdd_ms.is_none() {
            self.told.pdd_ms = self.began.map(|own| milliseconds(now.since(own)));
        }
        if let Some(remote) = message.sdp().and_then(|own| self.answer(own)) {
            self.told.early_media = true;
            self.media.start(now, remote);
        }
    }

    /// What an answer lets be sent, and where; nothing, where it can't be used.
    fn answer(&self, sdp: &[u8]) -> Option<Remote> {
        let description = SessionDescription::parse(sdp);
        let audio = description.media.first()?;
        let rtp = audio.endpoint()?;
        let is_usable = audio.kind == MediaKind::Audio && audio.is_rtp() && !audio.is_secure();
        // Nothing is sent to many, nor to this host on a stranger's word.
        let is_safe = is_one_host(rtp.ip)
            && rtp.port >= 1024
            && (!rtp.ip.is_loopback() || self.to.ip.is_loopback());
        let mut types = audio.payload_types.iter().copied();
        let payload_type = types.find(|own| Law::of(*own).is_some())?;
        let listens = !matches!(
            audio.effective_direction(),
            MediaDirection::SendOnly | MediaDirection::Inactive
        );
        (is_usable && is_safe).then(|| Remote {
            rtp,
            rtcp: audio.rtcp_endpoint().unwrap_or(rtp),
            payload_type,
            dtmf: audio.dtmf_payload_type(),
            listens,
        })
    }

    fn accepted(
        &mut self,
        now: Timestamp,
        number: usize,
        response: &Response,
        message: &SipMessage<'_>,
    ) {
        let tag = message.to().and_then(|own| own.tag()).unwrap_or_default();
        let mut dialogs = self.dialogs.iter_mut();
        if let Some(dialog) = dialogs.find(|own| own.tag.as_bytes() == tag) {
            dialog.copies += 1;
            if dialog.copies > MAX_COPIES {
                return;
            }
            // The ACK was lost (RFC 3261, 13.2.2.4).
            let (hop, ack) = (dialog.hop, dialog.ack.clone());
            let socket = self.signalling();
            return self.client.send(socket, hop, ack);
        }
        if self.dialogs.len() >= MAX_DIALOGS {
            self.client.strays += 1;
            return;
        }
        let asked = self.told.request_uri.clone();
        let Some(mut dialog) = Dialog::of(message, response.from, &asked) else {
            return;
        };
        if self.config.transport.is_stream() {
            // A connection goes both ways; another is not opened on a stranger's word.
            dialog.hop = self.to;
        }
        dialog.ack = self.acknowledge(&dialog, message);
        let (hop, ack) = (dialog.hop, dialog.ack.clone());
        self.client.send(self.signalling(), hop, ack);
        self.dialogs.push(dialog);
        let place = self.dialogs.len() - 1;
        let is_wanted = self.stage == Stage::Calling && Some(number) == self.invite;
        if !is_wanted {
            self.told.forks += u64::from(self.answered.is_some());
            self.bye(now, place);
            if self.stage == Stage::Cancelling {
                self.stage = Stage::Ending;
                self.due = None;
            }
            return;
        }
        self.take_status(response, message);
        self.answered = Some(now);
        self.told.setup_ms = self.began.map(|own| milliseconds(now.since(own)));
        self.early_packets = self.media.packets_heard();
        match message.sdp().and_then(|own| self.answer(own)) {
            Some(remote) => {
                self.stage = Stage::Talking;
                self.due = Some(now.offset(self.config.talk_ns));
                self.media.start(now, remote);
            }
            // RFC 3261, 13.2.2.4: acknowledged, and ended.
            None if self.media.remote().is_none() => {
                self.faults.push(Fault::Unusable);
                self.end(now);
            }
            // It was answered before.
            None => {
                self.stage = Stage::Talking;
                self.due = Some(now.offset(self.config.talk_ns));
            }
        }
    }

    fn take_status(&mut self, response: &Response, message: &SipMessage<'_>) {
        self.told.server = Some(response.from.to_string());
        self.told.status = Some(response.status);
        self.told.reason_phrase = Some(phrase(response));
        if self.told.mapped_address.is_none() {
            self.told.mapped_address = mapped(message).map(|own| own.to_string());
        }
    }

    fn refused(
        &mut self,
        now: Timestamp,
        number: usize,
        response: &Response,
        message: &SipMessage<'_>,
    ) {
        self.acknowledge_refusal(number, message);
        let is_first = Some(number) == self.invite && self.dialogs.is_empty();
        if !is_first || !matches!(self.stage, Stage::Calling | Stage::Cancelling) {
            return;
        }
        self.take_status(response, message);
        if self.stage == Stage::Cancelling || self.is_stopped {
            self.stage = Stage::Over;
            return;
        }
        match response.status {
            401 | 407 => match self.digest.take(message, response.status) {
                Ok(()) => self.call(now),
                Err(fault) => self.fail(Fault::Challenge(fault)),
            },
            300..=399 => match self.follow(message) {
                Some(()) => self.call(now),
                None => self.fail(Fault::Redirected),
            },
            // Another address of the name may be better off (RFC 3263, 4.3).
            503 if self.place + 1 < self.config.servers.len() => self.next_address(now),
            status => self.fail(Fault::Rejected(status)),
        }
    }

    /// Goes where a redirect leads, if that is the same host or domain.
    fn follow(&mut self, message: &SipMessage<'_>) -> Option<()> {
        let contacts = message.values(HeaderName::Contact);
        let contacts: Vec<String> = contacts
            .filter_map(|own| uri(NameAddr::parse(own).uri))
            .take(MAX_REDIRECTS)
            .collect();
        let first = contacts.first()?;
        let is_known = self.redirects.contains(first);
        let room = self.redirects.len() < MAX_REDIRECTS;
        if room && !is_known {
            self.redirects.push(first.clone());
        }
        let parts = Uri::parse(first.as_bytes());
        let host = std::str::from_utf8(parts.host).ok()?;
        let user = std::str::from_utf8(parts.user_name()).ok()?;
        let is_same =
            host.eq_ignore_ascii_case(&self.config.target.host) || host.parse() == Ok(self.to.ip);
        let is_plain = parts.scheme.eq_ignore_ascii_case(b"sip");
        if is_known || !room || !is_same || !is_plain {
            return None;
        }
        let port = parts.port.unwrap_or(5060);
        self.callee = SipTarget {
            user: user.to_owned(),
            host: host.to_owned(),
            port: parts.port,
            ..self.callee.clone()
        };
        let to = Endpoint::new(self.to.ip, port);
        if to != self.to {
            if self.config.transport.is_stream() {
                return None;
            }
            self.to = to;
        }
        self.digest.begin();
        Some(())
    }

    /// Ends the talk: reports first, and what the other side reports of it.
    fn hang_up(&mut self, now: Timestamp) {
        self.media.stop();
        self.stage = Stage::Reporting;
        self.due = Some(now.offset(LAST_REPORTS_NS));
        if let Some((to, octets)) = self.media.report(now, false) {
            self.send_packet(To::Rtcp, to, octets);
        }
    }

    /// Ends what was answered.
    fn end(&mut self, now: Timestamp) {
        if self.answered.is_some()
            && let Some((to, octets)) = self.media.report(now, true)
        {
            self.send_packet(To::Rtcp, to, octets);
        }
        self.media.stop();
        self.ended.get_or_insert(now);
        self.stage = Stage::Ending;
        self.due = None;
        for place in 0..self.dialogs.len() {
            self.bye(now, place);
        }
        self.ending(now);
    }

    fn bye(&mut self, now: Timestamp, place: usize) {
        let Some(dialog) = self.dialogs.get(place).filter(|own| !own.is_over) else {
            return;
        };
        if dialog.bye.is_some() {
            return;
        }
        let dialog = dialog.clone();
        self.cseq += 1;
        let number = self.signalling();
        let branch = self.client.word(20);
        let via = self.client.via(number, &branch);
        let mut headers = self.heads(via, dialog.to, self.cseq, &Method::Bye);
        let routes = dialog.routes.into_iter();
        headers.extend(routes.map(|own| field("Route", own)));
        headers.extend(self.digest.answer("BYE", &dialog.uri, b""));
        let octets = build::request_to("BYE", &dialog.uri, headers, b"");
        let to = (number, dialog.hop);
        let exchange = (self.client).ask_in(now, to, Method::Bye, branch, |_| octets);
        self.asked.push(("BYE".to_owned(), exchange));
        if let Some(dialog) = self.dialogs.get_mut(place) {
            dialog.bye = Some(exchange);
        }
    }

    /// Whether all that was answered is over.
    fn ending(&mut self, now: Timestamp) {
        for place in 0..self.dialogs.len() {
            let Some(dialog) = self.dialogs.get(place).filter(|own| !own.is_over) else {
                continue;
            };
            let state = (dialog.bye)
                .and_then(|own| self.client.get(own))
                .map(|own| own.state.clone());
            let is_over = match &state {
                None | Some(State::Waiting) => false,
                Some(State::Answered(response)) if matches!(response.status, 401 | 407) => {
                    let message = response.message();
                    self.digest.begin();
                    let taken = message.map(|own| self.digest.take(&own, response.status));
                    let again =
                        taken == Some(Ok(())) && self.told.bye_status != Some(response.status);
                    self.told.bye_status = Some(response.status);
                    if again {
                        if let Some(dialog) = self.dialogs.get_mut(place) {
                            dialog.bye = None;
                        }
                        self.bye(now, place);
                    }
                    !again
                }
                Some(State::Answered(response)) => {
                    self.told.bye_status = Some(response.status);
                    true
                }
                Some(State::Silent | State::Refused(_)) => true,
            };
            if let Some(dialog) = self.dialogs.get_mut(place) {
                dialog.is_over = is_over;
            }
        }
        if self.dialogs.iter().any(|own| !own.is_over) {
            self.due = None;
        } else if self.due.is_none() {
            // Another branch may answer yet.
            self.due = Some(now.offset(LINGERING_NS));
        } else if self.is_due(now) {
            self.stage = Stage::Over;
        }
    }

    /// A request of the other side.
    fn request(&mut self, now: Timestamp, (socket, from): (u16, Endpoint), octets: &[u8]) {
        let Some(message) = SipMessage::parse(octets) else {
            return;
        };
        let StartLine::Request { method, .. } = message.start_line() else {
            return;
        };
        self.requests += 1;
        if self.requests > MAX_REQUESTS {
            self.client.strays += 1;
            return;
        }
        let method = method.clone();
        let tag = message.from().and_then(|own| own.tag()).unwrap_or_default();
        let is_own = message.call_id() == Some(self.call_id.as_bytes());
        let place = (self.dialogs.iter()).position(|own| is_own && own.tag.as_bytes() == tag);
        let body = self.description();
        let (status, body) = match (&method, place) {
            (Method::Ack, _) => return,
            (Method::Options, _) => (200, ""),
            (_, None) => (481, ""),
            (Method::Bye | Method::Info, _) => (200, ""),
            (Method::Invite, _) => (200, body.as_str()),
            (Method::Update, _) if message.sdp().is_some() => (200, body.as_str()),
            (Method::Update, _) => (200, ""),
            _ => (405, ""),
        };
        let mut headers = vec![self.contact(), field("Allow", ALLOW.to_owned())];
        if !body.is_empty() {
            headers.push(field("Content-Type", "application/sdp".to_owned()));
        }
        let answer = Answer {
            status,
            tag: &self.tag,
            headers,
            body: body.as_bytes(),
        };
        if let Some(reply) = reply(&message, from, self.config.transport.wire(), answer) {
            self.client.send(socket, reply.to, reply.octets);
        }
        let is_over = method == Method::Bye;
        if let Some(dialog) = place
            .and_then(|own| self.dialogs.get_mut(own))
            .filter(|_| is_over)
        {
            dialog.is_over = true;
            let talks = matches!(self.stage, Stage::Talking | Stage::Reporting);
            if talks && place == Some(0) {
                self.told.ended_by = Some("peer".to_owned());
                self.end(now);
            }
        }
        let offer = message.sdp().filter(|_| status == 200 && place == Some(0));
        if let Some(remote) = offer.and_then(|own| self.answer(own))
            && self.stage == Stage::Talking
        {
            self.media.start(now, remote);
        }
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
