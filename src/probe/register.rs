//! Whether a registrar takes a registration, and keeps its word (RFC 3261, 10).
//!
//! It registers an address that only this probe uses, asks what is registered,
//! refreshes, and takes its own address away again, whatever happened between; what
//! others registered it never touches.

use rsip::Header;
use rsip::headers::UntypedHeader as _;

use super::digest::{Credentials, Digest, Unanswerable};
use super::options::mapped;
use super::sip_client::{Opening, Response, SipClient, State, phrase, step};
use super::target::SipTarget;
use super::{Carrier, Ending, Found, Input, Probe, Transmit};
use crate::net::Endpoint;
use crate::octets;
use crate::report::{Measurements, ProbeBinding, ProbeStep, RegisterMeasurements, milliseconds};
use crate::sip::header::{HeaderName, NameAddr};
use crate::sip::{Method, SipMessage, build};
use crate::time::Timestamp;

/// What is to be found out.
#[derive(Debug)]
pub struct Config {
    /// The registrar's addresses; the next is asked where one is silent.
    pub servers: Vec<Endpoint>,
    /// Who is registered, in which domain.
    pub target: SipTarget,
    /// What answers challenges.
    pub credentials: Credentials,
    /// Over what.
    pub transport: Carrier,
    /// How long to register for, in seconds.
    pub expires_s: u32,
    /// What branches, tags and Call-IDs are made of.
    pub rng: fastrand::Rng,
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
    Challenge(Unanswerable),
    Refused,
    NotListed,
    StillListed,
}

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
    digest: Digest,
    is_lengthened: bool,
    expires_s: u32,
    faults: Vec<Fault>,
    /// Whether a binding of the probe's own may stand at the registrar: one was
    /// accepted, or asked for without an answer.
    may_stand: bool,
    was_accepted: bool,
    told: RegisterMeasurements,
}

impl RegisterProbe {
    /// A probe that has sent nothing.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let mut client = SipClient::new(config.transport, config.rng.clone());
        let (call_id, tag, own) = (client.word(24), client.word(12), client.word(10));
        let told = RegisterMeasurements {
            transport: config.transport.name().to_owned(),
            address_of_record: config.target.uri_of(&config.target.user).to_string(),
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
            digest: Digest::new(config.credentials.clone()),
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
            401 | 407 => match self.digest.take(&message, response.status) {
                Ok(()) => return self.ask(now, to, purpose),
                Err(fault) => self.faults.push(Fault::Challenge(fault)),
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
                self.digest.begin();
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
        self.digest.begin();
        self.ask(now, to, Purpose::Remove);
    }

    fn end(&mut self, fault: Fault) {
        if self.purpose.take().is_some() {
            self.faults.push(fault);
        }
    }

    fn ask(&mut self, now: Timestamp, to: (u16, Endpoint), purpose: Purpose) {
        self.cseq += 1;
        let uri = self.config.target.uri_of("");
        let party = self.config.target.uri_of(&self.config.target.user);
        let local = self.client.local(to.0).unwrap_or_default();
        self.told.local_address = Some(local.to_string());
        let (target, carrier) = (&self.config.target, self.config.transport);
        let contact = target.contact(&self.contact_user, local, carrier);
        let credentials = self.digest.answer("REGISTER", &uri.to_string(), b"");
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
                let contact = format!("{contact};expires={expires}");
                headers.push(rsip::headers::Contact::new(contact).into());
                headers.push(rsip::headers::Expires::new(expires.to_string()).into());
            }
            headers.extend(credentials);
            headers.push(rsip::headers::UserAgent::new(super::AGENT).into());
            build::request(rsip::Method::Register, uri, headers, b"")
        });
        self.asked.push((purpose, exchange));
    }
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
            Some(Fault::Challenge(fault)) => (fault.verdict(), Ending::Failed),
            Some(Fault::Refused) => ("refused", Ending::Failed),
            Some(Fault::NotListed) => ("not-listed", Ending::Failed),
            Some(Fault::StillListed) => ("not-removed", Ending::Failed),
        };
        let measurements = RegisterMeasurements {
            challenges: self.digest.challenges,
            realm: self.digest.realm.clone(),
            algorithm: self.digest.algorithm.clone(),
            qop: self.digest.qop.clone(),
            is_open: is_answered && self.digest.challenges == 0 && self.faults.is_empty(),
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
