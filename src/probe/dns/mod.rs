//! Where a SIP URI leads, as DNS says (RFC 3263), and a number (RFC 6116).
//!
//! What is asked and what it leads to is kept as a tree; from it come the targets, in
//! the order in which they are to be tried.

mod client;
mod uri;
mod verdict;

use std::net::IpAddr;

use self::client::{DnsClient, Question, State};
pub use self::uri::{Uri, Wanted, located};
use self::uri::{of_naptr, prefix, rewritten};
use super::{Carrier, Found, Input, Probe, Transmit};
use crate::dns::{DnsAnswer, DnsData, DnsKind};
use crate::net::Endpoint;
use crate::report::DnsMeasurements;
use crate::time::Timestamp;

/// What is to be found out.
#[derive(Debug)]
pub struct Config {
    /// Who is asked.
    pub resolver: Endpoint,
    /// What is to be located.
    pub wanted: Wanted,
    /// What identifiers are made of.
    pub rng: fastrand::Rng,
}

/// Questions in all.
const MAX_QUESTIONS: usize = 48;
/// URIs that a number leads to which are followed.
const MAX_URIS: usize = 4;

/// What a question is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Purpose {
    Enum,
    Services,
    Servers(Carrier),
    /// Addresses of a host: over what, at which port, and how it was preferred.
    Addresses(Leads),
}

/// How a target was come to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Leads {
    service: Carrier,
    host: String,
    port: u16,
    /// The place of its service, its priority and its weight.
    rank: (usize, u16, u16),
    by: &'static str,
}

/// A question asked.
#[derive(Clone, Debug)]
struct Asked {
    question: usize,
    purpose: Purpose,
    parent: Option<usize>,
    is_taken: bool,
    why: String,
}

/// The probe.
#[derive(Debug)]
pub struct DnsProbe {
    config: Config,
    client: DnsClient,
    uri: Option<Uri>,
    /// URIs that a number led to, and are not yet located.
    uris: Vec<(Uri, Option<usize>)>,
    asked: Vec<Asked>,
    targets: Vec<(Leads, Endpoint, Option<u32>)>,
    told: DnsMeasurements,
    has_begun: bool,
    is_over: bool,
}

impl DnsProbe {
    /// A probe that has asked nothing.
    #[must_use]
    pub fn new(mut config: Config) -> Self {
        Self {
            client: DnsClient::new(config.resolver, config.rng.fork()),
            uri: None,
            uris: Vec::new(),
            asked: Vec::new(),
            targets: Vec::new(),
            told: DnsMeasurements {
                resolver: config.resolver.to_string(),
                ..DnsMeasurements::default()
            },
            config,
            has_begun: false,
            is_over: false,
        }
    }

    fn begin(&mut self, now: Timestamp) {
        self.has_begun = true;
        match self.config.wanted.clone() {
            Wanted::Uri(uri) => self.locate(now, &uri, None),
            Wanted::Number(digits) => {
                // RFC 6116, 3.2: digit by digit, from the last.
                let labels: Vec<String> = digits.chars().rev().map(String::from).collect();
                let name = format!("{}.e164.arpa", labels.join("."));
                let why = "the number, by ENUM".to_owned();
                self.ask(now, &name, DnsKind::Naptr, (Purpose::Enum, None), why);
            }
        }
    }

    /// RFC 3263, 4.
    fn locate(&mut self, now: Timestamp, uri: &Uri, parent: Option<usize>) {
        self.uri = Some(uri.clone());
        self.told.is_secure = uri.is_secure;
        if uri.is_secure {
            // RFC 5922, 7.1: the certificate names the domain of the URI, whatever
            // host it leads to.
            self.told.certificate_names = vec![uri.host.clone()];
        }
        let plain = if uri.is_secure {
            Carrier::Tls
        } else {
            Carrier::Udp
        };
        let leads = |service: Carrier, by| Leads {
            service,
            host: uri.host.clone(),
            port: uri.port.unwrap_or(service.port()),
            rank: (0, 0, 0),
            by,
        };
        if let Ok(ip) = uri.host.parse::<IpAddr>() {
            let service = uri.transport.unwrap_or(plain);
            let leads = leads(service, "the URI names an address");
            let endpoint = Endpoint::new(ip, leads.port);
            self.targets.push((leads, endpoint, None));
            return;
        }
        if uri.port.is_some() {
            let service = uri.transport.unwrap_or(plain);
            return self.addresses(now, leads(service, "the URI names a port"), parent);
        }
        if let Some(service) = uri.transport {
            let name = format!("{}.{}", prefix(service), uri.host);
            let why = format!("the URI says {}", service.name());
            let purpose = (Purpose::Servers(service), parent);
            return self.ask(now, &name, DnsKind::Srv, purpose, why);
        }
        let why = "the URI says no transport".to_owned();
        self.ask(
            now,
            &uri.host,
            DnsKind::Naptr,
            (Purpose::Services, parent),
            why,
        );
    }

    fn ask(
        &mut self,
        now: Timestamp,
        name: &str,
        kind: DnsKind,
        (purpose, parent): (Purpose, Option<usize>),
        why: String,
    ) {
        if self.asked.len() >= MAX_QUESTIONS {
            self.told.is_cut = true;
            return;
        }
        let question = self.client.ask(now, name, kind);
        self.asked.push(Asked {
            question,
            purpose,
            parent,
            is_taken: false,
            why,
        });
    }

    fn addresses(&mut self, now: Timestamp, leads: Leads, parent: Option<usize>) {
        for kind in [DnsKind::A, DnsKind::Aaaa] {
            let (name, why) = (leads.host.clone(), leads.by.to_owned());
            let purpose = Purpose::Addresses(leads.clone());
            self.ask(now, &name, kind, (purpose, parent), why);
        }
    }

    fn go_on(&mut self, now: Timestamp) {
        self.client.send_due(now);
        loop {
            let next = self.asked.iter().position(|own| {
                let state = self.client.get(own.question).map(|own| &own.state);
                !own.is_taken && state.is_some_and(|own| *own != State::Waiting)
            });
            let Some(place) = next else { break };
            self.take(now, place);
        }
        let waits = self.asked.iter().any(|own| !own.is_taken);
        if !waits {
            match self.uris.pop() {
                Some((uri, parent)) => {
                    self.locate(now, &uri, parent);
                    self.go_on(now);
                }
                None => self.is_over = true,
            }
        }
    }

    /// Takes what answered a question, and asks what follows from it.
    fn take(&mut self, now: Timestamp, place: usize) {
        let Some(asked) = self.asked.get_mut(place) else {
            return;
        };
        asked.is_taken = true;
        let (purpose, number) = (asked.purpose.clone(), asked.question);
        let question = self.client.get(number).cloned();
        let answers = question.as_ref().map(chain).unwrap_or_default();
        match purpose {
            Purpose::Enum => self.take_number(place, &answers),
            Purpose::Services => self.take_services(now, place, &answers),
            Purpose::Servers(service) => self.take_servers(now, place, service, &answers),
            Purpose::Addresses(leads) => {
                for answer in &answers {
                    if let DnsData::Address(ip) = answer.data {
                        let endpoint = Endpoint::new(ip, leads.port);
                        let ttl = Some(answer.ttl_s);
                        self.targets.push((leads.clone(), endpoint, ttl));
                    }
                }
            }
        }
    }

    fn take_number(&mut self, place: usize, answers: &[DnsAnswer]) {
        let Wanted::Number(digits) = self.config.wanted.clone() else {
            return;
        };
        let mut found: Vec<(u16, u16, String)> = Vec::new();
        for answer in answers {
            let DnsData::Naptr {
                order,
                preference,
                flags,
                services,
                regexp,
                ..
            } = &answer.data
            else {
                continue;
            };
            let is_sip = services
                .split('+')
                .any(|own| own.eq_ignore_ascii_case("sip") || own.eq_ignore_ascii_case("sip:sip"));
            if flags.eq_ignore_ascii_case("u")
                && is_sip
                && let Some(uri) = rewritten(&format!("+{digits}"), regexp)
            {
                found.push((*order, *preference, uri));
            }
        }
        found.sort();
        found.truncate(MAX_URIS);
        self.told.uris = found.iter().map(|(.., uri)| uri.clone()).collect();
        let uris = found.iter().filter_map(|(.., uri)| located(uri));
        self.uris = uris.map(|own| (own, Some(place))).collect();
        // The best is located first; it is taken from the end.
        self.uris.reverse();
        self.uris.drain(..self.uris.len().saturating_sub(1));
    }

    fn take_services(&mut self, now: Timestamp, place: usize, answers: &[DnsAnswer]) {
        let is_secure = self.uri.as_ref().is_some_and(|own| own.is_secure);
        let mut found: Vec<(u16, u16, Carrier, String, String)> = Vec::new();
        for answer in answers {
            let DnsData::Naptr {
                order,
                preference,
                flags,
                services,
                replacement,
                ..
            } = &answer.data
            else {
                continue;
            };
            let Some(service) = of_naptr(services) else {
                continue;
            };
            // RFC 3263, 4.1: sips goes over nothing else.
            if (service.is_secure() || !is_secure) && !replacement.is_empty() {
                let (flags, next) = (flags.to_ascii_lowercase(), replacement.clone());
                found.push((*order, *preference, service, flags, next));
            }
        }
        found.sort();
        let mut is_led_on = false;
        for (rank, (.., service, flags, next)) in found.iter().enumerate() {
            let why = format!("{}. of the services of NAPTR", rank + 1);
            match flags.as_str() {
                "s" => {
                    let purpose = (Purpose::Servers(*service), Some(place));
                    self.ask(now, next, DnsKind::Srv, purpose, why);
                }
                "a" => {
                    let leads = Leads {
                        service: *service,
                        host: next.clone(),
                        port: service.port(),
                        rank: (rank, 0, 0),
                        by: "NAPTR names a host",
                    };
                    self.addresses(now, leads, Some(place));
                }
                _ => continue,
            }
            is_led_on = true;
        }
        if is_led_on {
            return;
        }
        let host = self
            .uri
            .as_ref()
            .map(|own| own.host.clone())
            .unwrap_or_default();
        let tried: &[Carrier] = match is_secure {
            true => &[Carrier::Tls],
            false => &[Carrier::Udp, Carrier::Tcp, Carrier::Tls],
        };
        for service in tried {
            let name = format!("{}.{host}", prefix(*service));
            let purpose = (Purpose::Servers(*service), Some(place));
            let why = "there are no services of NAPTR".to_owned();
            self.ask(now, &name, DnsKind::Srv, purpose, why);
        }
    }

    fn take_servers(
        &mut self,
        now: Timestamp,
        place: usize,
        service: Carrier,
        answers: &[DnsAnswer],
    ) {
        // In the order of the questions, which is that of the services.
        let services = self.asked.iter().take(place);
        let rank = services
            .filter(|own| matches!(own.purpose, Purpose::Servers(_)))
            .count();
        for answer in answers {
            let DnsData::Srv {
                priority,
                weight,
                port,
                target,
            } = &answer.data
            else {
                continue;
            };
            // RFC 2782: a dot says that the service is not there.
            if target.is_empty() {
                self.told.refused_services.push(service.name().to_owned());
                continue;
            }
            let leads = Leads {
                service,
                host: target.clone(),
                port: *port,
                rank: (rank, *priority, *weight),
                by: "SRV",
            };
            self.addresses(now, leads, Some(place));
        }
        let waits = self.asked.iter().any(|own| {
            let is_servers = matches!(own.purpose, Purpose::Servers(_));
            is_servers && !own.is_taken
        });
        let is_led_on = self
            .asked
            .iter()
            .any(|own| matches!(own.purpose, Purpose::Addresses(_)));
        if !waits && !is_led_on && self.told.refused_services.is_empty() {
            // RFC 3263, 4.2: no SRV at all, so the host itself.
            let uri = self.uri.clone().unwrap_or_default();
            let plain = if uri.is_secure {
                Carrier::Tls
            } else {
                Carrier::Udp
            };
            let service = uri.transport.unwrap_or(plain);
            let leads = Leads {
                service,
                host: uri.host,
                port: service.port(),
                rank: (0, 0, 0),
                by: "there is no SRV",
            };
            self.addresses(now, leads, Some(place));
        }
    }
}

/// The answers of the kind that was asked for, through other names for the same.
fn chain(question: &Question) -> Vec<DnsAnswer> {
    let State::Answered(message) = &question.state else {
        return Vec::new();
    };
    let mut name = message.name.clone();
    // Each record leads on once, so that a circle ends.
    for _ in 0..message.answers.len() {
        let next = message.answers.iter().find_map(|own| match &own.data {
            DnsData::Cname(other) if own.name == name => Some(other.clone()),
            _ => None,
        });
        match next {
            Some(next) => name = next,
            None => break,
        }
    }
    let own = message.answers.iter().filter(|own| own.name == name);
    own.filter(|own| !matches!(own.data, DnsData::Cname(_)))
        .cloned()
        .collect()
}

impl Probe for DnsProbe {
    fn handle(&mut self, now: Timestamp, input: Input<'_>) {
        self.client.handle(now, input);
        self.go_on(now);
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        if !self.has_begun {
            self.begin(now);
        }
        self.go_on(now);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        self.client.poll_transmit()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        if self.is_over {
            return None;
        }
        self.client.poll_timeout()
    }

    fn stop(&mut self, _now: Timestamp) {
        self.is_over = true;
    }

    fn found(&self) -> Found {
        self.so_far()
    }
}
