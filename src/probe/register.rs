//! Whether a registrar takes a registration, and keeps its word (RFC 3261, 10).
//!
//! It registers an address that only this probe uses, asks what is registered,
//! refreshes, and takes its own address away again, whatever happened between; what
//! others registered it never touches.

use digest_auth::{AuthContext, HttpMethod, WwwAuthenticateHeader};
use rsip::Header;
use rsip::headers::UntypedHeader as _;

use super::options::mapped;
use super::sip_client::{Opening, Response, SipClient, State, phrase, step};
use super::{Ending, Found, Input, Probe, Transmit};
use crate::net::{Endpoint, Transport};
use crate::octets;
use crate::report::{Measurements, ProbeBinding, ProbeStep, RegisterMeasurements, milliseconds};
use crate::sip::header::{HeaderName, NameAddr};
use crate::sip::{Method, SipMessage, build};
use crate::time::Timestamp;

/// What is to be found out.
pub struct Config {
    /// The registrar's addresses; the next is asked where one is silent.
    pub servers: Vec<Endpoint>,
    /// The user.
    pub user: String,
    /// The domain.
    pub host: String,
    /// The user's name for the challenge, where it is another.
    pub auth_user: Option<String>,
    /// The password, where there is one.
    pub password: Option<String>,
    /// The realm that it is for; any, unless one is named.
    pub realm: Option<String>,
    /// Over what.
    pub transport: Transport,
    /// How long to register for, in seconds.
    pub expires_s: u32,
    /// What branches, tags and Call-IDs are made of.
    pub rng: fastrand::Rng,
}

/// The password is not shown.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.user, self.host)
    }
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Register,
    Query,
    Refresh,
    Remove,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Query => "query",
            Self::Refresh => "refresh",
            Self::Remove => "remove",
        }
    }

    const fn next(self) -> Option<Self> {
        match self {
            Self::Register => Some(Self::Query),
            Self::Query => Some(Self::Refresh),
            Self::Refresh => Some(Self::Remove),
            Self::Remove => None,
        }
    }
}

/// Why it ended before all was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    NoAnswer,
    NoPassword,
    OtherRealm,
    NoAlgorithm,
    Refused,
    NotListed,
    StillListed,
}

/// Rounds of challenge and answer for one request: the first, and one for a
/// nonce that was stale.
const MAX_ROUNDS: u8 = 2;
/// Bindings that are told.
const MAX_BINDINGS: usize = 64;

/// The probe.
#[derive(Debug)]
pub struct RegisterProbe {
    config: Config,
    client: SipClient,
    place: usize,
    asked: Vec<(Purpose, usize)>,
    /// Where in them the address that is asked now begins.
    begun: usize,
    /// What is asked now.
    purpose: Option<Purpose>,
    call_id: String,
    tag: String,
    contact_user: String,
    cseq: u32,
    challenge: Option<Challenge>,
    challenges: u64,
    rounds: u8,
    is_lengthened: bool,
    expires_s: u32,
    faults: Vec<Fault>,
    /// Whether a binding of the probe's own may stand at the registrar: one was
    /// accepted, or asked for without an answer.
    may_stand: bool,
    was_accepted: bool,
    told: RegisterMeasurements,
}

/// A challenge that was chosen.
#[derive(Debug)]
struct Challenge {
    header: WwwAuthenticateHeader,
    /// The header field that answers it.
    answer: &'static str,
}

impl RegisterProbe {
    /// A probe that has sent nothing.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let mut client = SipClient::new(config.transport, config.rng.clone());
        let (call_id, tag, own) = (client.word(24), client.word(12), client.word(10));
        let told = RegisterMeasurements {
            transport: config.transport.name().to_owned(),
            address_of_record: format!("sip:{}@{}", config.user, config.host),
            expires_requested_s: config.expires_s,
            ..RegisterMeasurements::default()
        };
        Self {
            client,
            place: 0,
            asked: Vec::new(),
            begun: 0,
            purpose: Some(Purpose::Register),
            call_id,
            tag,
            contact_user: format!("probe-{own}"),
            cseq: 0,
            challenge: None,
            challenges: 0,
            rounds: 0,
            is_lengthened: false,
            expires_s: config.expires_s,
            faults: Vec::new(),
            may_stand: false,
            was_accepted: false,
            told,
            config,
        }
    }

    fn go_on(&mut self, now: Timestamp) {
        self.client.send_due(now);
        let Some(server) = self.config.servers.get(self.place).copied() else {
            return self.end(Fault::NoAnswer);
        };
        let socket = u16::try_from(self.place).unwrap_or(u16::MAX);
        match self.client.open(socket, server) {
            Opening::Asked => return,
            Opening::Open(_) => {}
            Opening::Refused => {
                self.place += 1;
                return self.go_on(now);
            }
        }
        let Some(purpose) = self.purpose else { return };
        let here = self.asked.get(self.begun..).unwrap_or_default();
        let last = here.last().filter(|(own, _)| *own == purpose);
        let Some(exchange) = last.and_then(|(_, own)| self.client.get(*own)) else {
            return self.ask(now, (socket, server), purpose);
        };
        match exchange.state.clone() {
            State::Waiting => {}
            State::Answered(response) => self.answered(now, (socket, server), purpose, &response),
            // Nothing came of the first: the name may have other addresses.
            State::Silent | State::Refused(_)
                if here.len() == 1 && self.place + 1 < self.config.servers.len() =>
            {
                self.place += 1;
                self.begun = self.asked.len();
                self.go_on(now);
            }
            State::Silent | State::Refused(_) => {
                self.faults.push(Fault::NoAnswer);
                self.leave(now, (socket, server), purpose);
            }
        }
    }

    fn answered(
        &mut self,
        now: Timestamp,
        to: (u16, Endpoint),
        purpose: Purpose,
        response: &Response,
    ) {
        let Some(message) = response.message() else {
            self.faults.push(Fault::Refused);
            return self.leave(now, to, purpose);
        };
        self.told.server = Some(response.from.to_string());
        self.told.status = Some(response.status);
        self.told.reason_phrase = Some(phrase(response));
        if self.told.mapped_address.is_none() {
            self.told.mapped_address = mapped(&message).map(|own| own.to_string());
        }
        match response.status {
            401 | 407 => match self.take_challenge(&message, response.status) {
                Ok(()) => return self.ask(now, to, purpose),
                Err(fault) => self.faults.push(fault),
            },
            423 if !self.is_lengthened && purpose != Purpose::Remove => {
                let least = message
                    .value(HeaderName::MinExpires)
                    .and_then(octets::decimal);
                let least = least.and_then(|own| u32::try_from(own).ok());
                if let Some(least) = least.filter(|own| *own > self.expires_s) {
                    self.is_lengthened = true;
                    self.told.expires_least_s = Some(least);
                    self.expires_s = least;
                    return self.ask(now, to, purpose);
                }
                self.faults.push(Fault::Refused);
            }
            200..=299 => {
                self.rounds = 0;
                self.was_accepted = true;
                self.accepted(purpose, &message, response);
                let next = purpose.next();
                self.purpose = next;
                if let Some(next) = next {
                    self.ask(now, to, next);
                }
                return;
            }
            _ => self.faults.push(Fault::Refused),
        }
        // What was refused does not stand.
        self.may_stand &= self.was_accepted;
        self.leave(now, to, purpose);
    }

    /// What a registrar that said yes lists.
    fn accepted(&mut self, purpose: Purpose, message: &SipMessage<'_>, response: &Response) {
        let common = message.value(HeaderName::Expires).and_then(octets::decimal);
        let bindings: Vec<ProbeBinding> = message
            .values(HeaderName::Contact)
            .filter(|own| !own.is_empty())
            .take(MAX_BINDINGS)
            .map(|value| {
                let contact = NameAddr::parse(value);
                let own = contact.parameter("expires").and_then(octets::decimal);
                ProbeBinding {
                    contact: octets::text(contact.uri),
                    expires_s: own.or(common),
                    is_own: contact.parsed_uri().user_name() == self.contact_user.as_bytes(),
                }
            })
            .collect();
        let own = bindings.iter().find(|own| own.is_own);
        match purpose {
            Purpose::Register => {
                self.told.register_delay_ms = Some(milliseconds(response.round_trip_ns));
                self.told.expires_granted_s = own.and_then(|own| own.expires_s);
                if own.is_none() {
                    self.faults.push(Fault::NotListed);
                }
                self.told.bindings = bindings;
            }
            Purpose::Query => self.told.bindings = bindings,
            Purpose::Refresh => self.told.refreshed = Some(own.is_some()),
            Purpose::Remove => {
                self.may_stand = false;
                self.told.removed = Some(own.is_none());
                if own.is_some() {
                    self.faults.push(Fault::StillListed);
                }
            }
        }
    }

    /// Ends, but not before the probe's own binding is taken away.
    fn leave(&mut self, now: Timestamp, to: (u16, Endpoint), purpose: Purpose) {
        if purpose == Purpose::Remove || !self.may_stand {
            self.purpose = None;
            return;
        }
        self.purpose = Some(Purpose::Remove);
        self.rounds = 0;
        self.ask(now, to, Purpose::Remove);
    }

    fn end(&mut self, fault: Fault) {
        if self.purpose.take().is_some() {
            self.faults.push(fault);
        }
    }

    /// Takes the topmost challenge that can be answered (RFC 8760, 2.4: the
    /// server's order is its preference), and refuses to answer for ever.
    fn take_challenge(&mut self, message: &SipMessage<'_>, status: u16) -> Result<(), Fault> {
        self.challenges += 1;
        let (asks, answer) = match status {
            401 => ("WWW-Authenticate", "Authorization"),
            _ => ("Proxy-Authenticate", "Proxy-Authorization"),
        };
        let kind = HeaderName::of(asks.as_bytes());
        let fields = message.header_fields().iter();
        let mut known = fields
            .filter(|field| field.kind == kind)
            .filter_map(|field| std::str::from_utf8(field.value).ok())
            .filter(|text| is_plain(text))
            .filter_map(|text| digest_auth::parse(text).ok());
        let Some(chosen) = known.next() else {
            return Err(Fault::NoAlgorithm);
        };
        self.told.realm = Some(chosen.realm.clone());
        self.told.algorithm = Some(chosen.algorithm.to_string());
        let was_answered = self.rounds > 0;
        if self.config.password.is_none() {
            return Err(Fault::NoPassword);
        }
        let is_wanted = self
            .config
            .realm
            .as_ref()
            .is_none_or(|own| *own == chosen.realm);
        if !is_wanted {
            return Err(Fault::OtherRealm);
        }
        self.rounds += 1;
        // RFC 3261, 22.2: not again with the same password, unless only the nonce
        // was old.
        if was_answered && (!chosen.stale || self.rounds > MAX_ROUNDS) {
            return Err(Fault::Refused);
        }
        self.challenge = Some(Challenge {
            header: chosen,
            answer,
        });
        Ok(())
    }

    fn ask(&mut self, now: Timestamp, to: (u16, Endpoint), purpose: Purpose) {
        self.cseq += 1;
        let uri = super::options::target("", &self.config.host, to.1.port);
        let party = super::options::target(&self.config.user, &self.config.host, to.1.port);
        let local = self.client.local(to.0).unwrap_or_default();
        self.told.local_address = Some(local.to_string());
        let mut own = build::uri(&self.contact_user, local);
        if self.config.transport == Transport::Tcp {
            own.params = vec![rsip::Param::Transport(rsip::Transport::Tcp)];
        }
        let credentials = self.credentials(&uri.to_string());
        let expires = match purpose {
            Purpose::Register | Purpose::Refresh => Some(self.expires_s),
            Purpose::Query => None,
            Purpose::Remove => Some(0),
        };
        self.may_stand |= expires > Some(0);
        let (cseq, tag, call_id) = (self.cseq, self.tag.clone(), self.call_id.clone());
        let exchange = self.client.ask(now, to, Method::Register, |via| {
            let mut headers: Vec<Header> = vec![
                rsip::headers::Via::new(via).into(),
                rsip::headers::MaxForwards::new("70").into(),
                rsip::headers::From::new(format!("<{party}>;tag={tag}")).into(),
                rsip::headers::To::new(format!("<{party}>")).into(),
                rsip::headers::CallId::new(call_id).into(),
                rsip::headers::CSeq::new(format!("{cseq} REGISTER")).into(),
            ];
            if let Some(expires) = expires {
                let contact = format!("<{own}>;expires={expires}");
                headers.push(rsip::headers::Contact::new(contact).into());
                headers.push(rsip::headers::Expires::new(expires.to_string()).into());
            }
            headers.extend(credentials);
            headers.push(rsip::headers::UserAgent::new(super::AGENT).into());
            build::request(rsip::Method::Register, uri, headers, b"")
        });
        self.asked.push((purpose, exchange));
    }

    fn credentials(&mut self, uri: &str) -> Option<Header> {
        let challenge = self.challenge.as_mut()?;
        let user = self.config.auth_user.as_ref().unwrap_or(&self.config.user);
        let password = self.config.password.as_ref()?;
        let context = AuthContext::new_with_method(
            user.as_str(),
            password.as_str(),
            uri,
            None::<&[u8]>,
            HttpMethod("REGISTER".into()),
        );
        let answer = challenge.header.respond(&context).ok()?;
        self.told.qop = answer.qop.map(|own| own.to_string());
        Some(Header::Other(
            challenge.answer.to_owned(),
            answer.to_string(),
        ))
    }
}

/// Whether text can be written into a header field again.
fn is_plain(text: &str) -> bool {
    text.len() < 4096 && !text.chars().any(char::is_control)
}

impl Probe for RegisterProbe {
    fn handle(&mut self, now: Timestamp, input: Input<'_>) {
        self.client.handle(now, input);
        self.go_on(now);
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.go_on(now);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        self.client.poll_transmit()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        self.purpose?;
        self.client.poll_timeout()
    }

    fn stop(&mut self, now: Timestamp) {
        let to = u16::try_from(self.place)
            .ok()
            .zip(self.config.servers.get(self.place).copied());
        if let (Some(to), Some(purpose)) = (to, self.purpose) {
            self.leave(now, to, purpose);
        }
    }

    /// The request, and once more with the answer to a challenge.
    fn reserve(&self) -> u64 {
        if self.was_accepted && self.may_stand {
            2
        } else {
            0
        }
    }

    fn found(&self) -> Found {
        let is_answered = self.asked.iter().any(|(_, own)| {
            let exchange = self.client.get(*own);
            exchange.is_some_and(|own| own.response().is_some())
        });
        let (verdict, ending) = match self.faults.first() {
            None if self.told.removed == Some(true) => ("registered", Ending::Done),
            None => ("unfinished", Ending::Inconclusive),
            Some(Fault::NoAnswer) if !is_answered => ("no-answer", Ending::NoAnswer),
            Some(Fault::NoAnswer) => ("silent", Ending::Failed),
            Some(Fault::NoPassword) => ("password-wanted", Ending::Failed),
            Some(Fault::OtherRealm) => ("other-realm", Ending::Failed),
            Some(Fault::NoAlgorithm) => ("challenge-unanswerable", Ending::Failed),
            Some(Fault::Refused) => ("refused", Ending::Failed),
            Some(Fault::NotListed) => ("not-listed", Ending::Failed),
            Some(Fault::StillListed) => ("not-removed", Ending::Failed),
        };
        let measurements = RegisterMeasurements {
            challenges: self.challenges,
            is_open: is_answered && self.challenges == 0 && self.faults.is_empty(),
            ..self.told.clone()
        };
        Found {
            verdict: verdict.to_owned(),
            ending,
            steps: self.steps(),
            measurements: Measurements::Register(Box::new(measurements)),
            strays: self.client.strays,
        }
    }
}

impl RegisterProbe {
    fn steps(&self) -> Vec<ProbeStep> {
        let asked = self.asked.iter().filter_map(|(purpose, own)| {
            let exchange = self.client.get(*own)?;
            Some(step(purpose.name().to_owned(), exchange))
        });
        self.client.unopened.iter().cloned().chain(asked).collect()
    }
}
