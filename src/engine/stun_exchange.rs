//! STUN requests and what answered them (RFC 8489, 6).

use smallvec::SmallVec;

use super::Engine;
use super::limits::Limit;
use super::nat::Effort;
use super::pace::Pace;
use super::table::{Entry, Handle};
use crate::link::{Datagram, Network};
use crate::net::{Endpoint, Flow};
use crate::octets;
use crate::packet::{CapturePoint, PacketRef};
use crate::stun::{Class, HeaderFault, IceRole, StunMessage};
use crate::time::{SECOND, Timestamp};

/// A request, its retransmissions and its response; or an indication.
#[derive(Clone, Debug)]
pub struct StunExchange {
    /// Unique in the run, in the order of first messages.
    pub serial: u64,
    /// From the one who asks to the one who is asked.
    pub flow: Flow,
    /// Where it was captured.
    pub capture_point: CapturePoint,
    /// The transaction, without the cookie, in hexadecimal.
    pub transaction_id: String,
    /// The method's name, or its number.
    pub method: String,
    /// Its first message.
    pub first: PacketRef,
    /// Whether the request was captured.
    pub requested: Option<Timestamp>,
    /// When the request was last sent.
    last_request: Option<Timestamp>,
    /// Its last message.
    pub last: Timestamp,
    /// What answered.
    pub answer: Option<Answer>,
    /// Whether it is an indication, which nobody answers.
    pub is_indication: bool,
    /// Copies of the request that were sent again.
    pub retransmissions: u64,
    /// When copies of the request were sent.
    pub pace: Pace,
    /// Whether the request was signed, for a realm.
    pub has_credentials: bool,
    /// The reflexive address.
    pub mapped_address: Option<Endpoint>,
    /// The server's other address.
    pub other_address: Option<Endpoint>,
    /// Where the response says it comes from.
    pub response_origin: Option<Endpoint>,
    /// Who answered, where it is not who was asked.
    pub answered_from: Option<Endpoint>,
    /// From the request to its response, in nanoseconds.
    pub round_trip_ns: Option<i64>,
    /// USERNAME.
    pub username: Option<String>,
    /// REALM.
    pub realm: Option<String>,
    /// SOFTWARE, of the server if it says so.
    pub software: Option<String>,
    /// The asker's role in ICE.
    pub ice_role: Option<IceRole>,
    /// What a request of a connectivity check lacked.
    pub check_lacks: Option<&'static str>,
    /// MAPPED-ADDRESS, where it is another than XOR-MAPPED-ADDRESS.
    pub rewritten_address: Option<Endpoint>,
    /// From where the answer was wanted: another address, another port (RFC
    /// 5780, 7.2).
    pub wanted_change: Option<(bool, bool)>,
    /// Whether the pair was nominated.
    pub use_candidate: bool,
    /// What the header of one of its messages breaks, and which one.
    pub header_fault: Option<(HeaderFault, PacketRef)>,
    /// Messages whose FINGERPRINT is wrong.
    pub bad_fingerprints: u64,
    /// The call it belongs to.
    pub call_id: Option<String>,
    /// The ICE session whose check it is, by its number.
    pub ice_session: Option<u64>,
    pub(super) ice: Option<Handle>,
    /// Whether the request is signed with the password that the other side described
    /// (RFC 8445, 7.2.2).
    pub integrity: Option<bool>,
    /// Its frames.
    pub frames: SmallVec<[u32; 2]>,
}

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Well.
    Success,
    /// Ill, with this code.
    Error(Option<u16>),
}

/// RFC 8489, 6.2.1: a request is given up 39.5 s after it was first sent.
pub const GIVE_UP_NS: i64 = 40 * SECOND;
/// Retransmissions may still come this long after the answer.
pub(super) const LINGER_NS: i64 = 5 * SECOND;

/// The transaction of whoever asks, at a capture point. Who answers is no part
/// of it: asked to (RFC 5780, CHANGE-REQUEST), a server answers from elsewhere.
pub(super) type StunKey = (CapturePoint, Endpoint, [u8; 16]);

impl Entry for StunExchange {
    fn last_seen(&self) -> Timestamp {
        self.last
    }

    fn rank(&self) -> u8 {
        u8::from(self.answer.is_none() && !self.is_indication)
    }
}

impl StunExchange {
    /// Whether it is a connectivity check (RFC 8445, 7.2.2).
    #[must_use]
    pub fn is_check(&self) -> bool {
        let of_two = |name: &str| name.contains(':');
        // Users of a relay, who have a realm, may have a colon in their names too.
        let is_short_term = self.method == "binding" && self.realm.is_none();
        self.ice_role.is_some() || (is_short_term && self.username.as_deref().is_some_and(of_two))
    }

    /// Whether nothing more is to come.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        let wait = if self.rank() > 0 {
            GIVE_UP_NS
        } else {
            LINGER_NS
        };
        now.since(self.last) > wait
    }
}

impl Engine {
    /// A datagram that may be STUN; says whether it is.
    pub(super) fn stun(&mut self, at: PacketRef, datagram: &Datagram<'_>, fragments: u32) -> bool {
        let flow = datagram.flow;
        let is_port = |port| matches!(port, 3478 | 3479);
        let at_port = is_port(flow.src.port) || is_port(flow.dst.port);
        let Some(message) = StunMessage::parse(datagram.payload)
            .or_else(|| StunMessage::parse_classic(datagram.payload, at_port))
            .or_else(|| StunMessage::parse_broken(datagram.payload).filter(|_| at_port))
        else {
            return false;
        };
        // What the capture cut ends where it ends.
        let fault = message.header_fault().filter(|_| !datagram.truncated);
        if message.class == Class::Request {
            // On a flow of SIP it holds the NAT open (RFC 5626, 4.4.2).
            if self.registration_flows.contains_key(&flow) {
                self.nat.effort(Effort {
                    host: flow.src,
                    with: flow.dst,
                    what: "stun-keepalive",
                    at,
                });
            }
            self.keep_alive(at, flow);
        }
        let class = message.class as u16;
        self.nat_stun(at, flow, &datagram.network, class, &message.transaction_id);
        let network = Some(&datagram.network);
        self.stun_message(at, flow, &message, fault, network, fragments);
        true
    }

    /// Takes one STUN message, which came in so many packets.
    pub(super) fn stun_message(
        &mut self,
        at: PacketRef,
        flow: Flow,
        message: &StunMessage<'_>,
        fault: Option<HeaderFault>,
        network: Option<&Network>,
        fragments: u32,
    ) {
        self.counters.stun_messages += 1;
        if message.is_cut() {
            self.limit(Limit::StunAttributes);
        }
        self.ice_heard(at, flow);
        let is_answer = matches!(message.class, Class::SuccessResponse | Class::ErrorResponse);
        let flow = if is_answer { flow.reversed() } else { flow };
        self.turn(at, flow, message, network, fragments);
        let key: StunKey = (at.capture_point, flow.src, message.transaction_id);
        let handle = match self.stun.find(&key) {
            Some(handle) => handle,
            None => self.begin_stun(at, flow, message, key),
        };
        let call_id = self.call_of_check(flow, message);
        let check = self.ice_check(at, flow, message);
        let ice = check.map(|(session, _)| session);
        let ice_session = ice.and_then(|ice| Some(self.ice.get(ice)?.serial));
        let frames = self.config.limits.frames;
        let Some(exchange) = self.stun.get_mut(handle) else {
            return;
        };
        exchange.last = at.timestamp;
        if exchange.frames.len() < frames && exchange.frames.last() != Some(&at.number) {
            exchange.frames.push(at.number);
        }
        if exchange.call_id.is_none() {
            exchange.call_id = call_id;
        }
        exchange.ice = exchange.ice.or(ice);
        exchange.integrity = exchange
            .integrity
            .or(check.and_then(|(_, integrity)| integrity));
        exchange.ice_session = exchange.ice_session.or(ice_session);
        if exchange.header_fault.is_none() {
            exchange.header_fault = fault.map(|fault| (fault, at));
        }
        if message.fingerprint_ok() == Some(false) {
            exchange.bad_fingerprints += 1;
        }
        let keep = |kept: &mut Option<String>, value: Option<&[u8]>| {
            if let Some(value) = value {
                *kept = Some(octets::text(value));
            }
        };
        keep(&mut exchange.username, message.username());
        keep(&mut exchange.realm, message.realm());
        keep(&mut exchange.software, message.software());
        match message.class {
            Class::Request => {
                if exchange.requested.is_some() {
                    exchange.retransmissions += 1;
                }
                exchange.requested.get_or_insert(at.timestamp);
                exchange.last_request = Some(at.timestamp);
                exchange.pace.sent(at.timestamp);
                exchange.has_credentials |= message.has_credentials();
                exchange.ice_role = message.ice_role();
                exchange.use_candidate |= message.use_candidate();
                exchange.wanted_change = exchange.wanted_change.or(message.wanted_change());
                if exchange.check_lacks.is_none() && !message.is_cut() {
                    exchange.check_lacks = message.check_lacks();
                }
            }
            Class::Indication => exchange.is_indication = true,
            Class::SuccessResponse | Class::ErrorResponse => {
                if exchange.answer.is_some() {
                    return;
                }
                exchange.answer = Some(if message.class == Class::SuccessResponse {
                    Answer::Success
                } else {
                    Answer::Error(message.error_code())
                });
                exchange.round_trip_ns = exchange
                    .last_request
                    .map(|sent| at.timestamp.since(sent))
                    .filter(|spent| *spent >= 0);
                exchange.answered_from = Some(flow.dst).filter(|from| *from != exchange.flow.dst);
                exchange.mapped_address = message.mapped_address();
                let asked = exchange.requested.map(|_| exchange.flow);
                exchange.rewritten_address = message.rewritten_address();
                exchange.other_address = message.other_address();
                exchange.response_origin = message.response_origin();
                let ice = exchange.ice;
                if let Some((flow, mapped)) = asked.zip(exchange.mapped_address) {
                    self.nat_mapped(at, flow, mapped);
                }
                if let Some(ice) = ice {
                    self.ice_answer(ice, at, flow, message);
                }
            }
        }
    }

    fn begin_stun(
        &mut self,
        at: PacketRef,
        flow: Flow,
        message: &StunMessage<'_>,
        key: StunKey,
    ) -> Handle {
        let serial = self.next_stun;
        self.next_stun += 1;
        let exchange = StunExchange {
            serial,
            flow,
            capture_point: at.capture_point,
            transaction_id: message.transaction_text(),
            method: message
                .method_name()
                .map_or_else(|| format!("{:#05x}", message.method), str::to_owned),
            first: at,
            requested: None,
            last_request: None,
            last: at.timestamp,
            answer: None,
            is_indication: false,
            retransmissions: 0,
            pace: Pace::default(),
            has_credentials: false,
            mapped_address: None,
            other_address: None,
            response_origin: None,
            answered_from: None,
            round_trip_ns: None,
            username: None,
            realm: None,
            software: None,
            ice_role: None,
            use_candidate: false,
            check_lacks: None,
            rewritten_address: None,
            wanted_change: None,
            header_fault: None,
            bad_fingerprints: 0,
            call_id: None,
            ice_session: None,
            ice: None,
            integrity: None,
            frames: SmallVec::new(),
        };
        let (handle, evicted) = self.stun.insert(key, exchange);
        if let Some(evicted) = evicted {
            self.limit(Limit::StunExchanges);
            self.nat.exchange(&evicted);
            self.events.push_back(super::Event::Stun(Box::new(evicted)));
        }
        handle
    }

    /// The call whose user fragment a check names, or one of whose addresses
    /// it uses.
    fn call_of_check(&mut self, flow: Flow, message: &StunMessage<'_>) -> Option<String> {
        if message.class == Class::Request
            && message.method == 1
            && let Some(username) = message.username()
            && let Some(colon) = memchr::memchr(b':', username)
        {
            // RFC 8445, 7.2.2: the receiver's fragment comes first.
            let fragment = octets::text(octets::span(username, 0, colon));
            if let Some((call, side, media)) = self.media.ufrag(&fragment) {
                self.checked(flow, call, side, media);
                return Some(self.calls.get(call)?.call_id.clone());
            }
        }
        let call = self
            .media
            .claimant(flow.src)
            .or_else(|| self.media.claimant(flow.dst))?;
        Some(self.calls.get(call)?.call_id.clone())
    }
}
