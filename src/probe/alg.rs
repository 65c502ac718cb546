//! What a middlebox rewrites in SIP: the same messages to a mirror at the port of SIP
//! and at another one, over UDP and TCP (RFC 6314, 4.2).

use super::sip_client::{Exchange, Heard, Opening, Response, SipClient, State, step};
use super::{Carrier, Ending, Found, Input, Probe, Transmit};
use crate::net::Endpoint;
use crate::octets;
use crate::report::{AlgChange, AlgMeasurements, AlgTry, Measurements, ProbeStep};
use crate::sip::header::HeaderName;
use crate::sip::mirror::{DECOY, decoy_contact, decoy_description, read};
use crate::sip::reply::field;
use crate::sip::{Method, SipMessage, build};
use crate::time::Timestamp;

/// What is to be found out.
#[derive(Debug)]
pub struct Config {
    /// The mirror, at the port of SIP.
    pub server: Endpoint,
    /// Its other port, where nobody expects SIP.
    pub control: u16,
    /// What branches, tags and Call-IDs are made of.
    pub rng: fastrand::Rng,
}

const METHODS: [Method; 3] = [Method::Options, Method::Register, Method::Invite];
/// Lines of a message that are compared: many times those that are sent.
const MAX_LINES: usize = 512;
/// Lines that are told of one message.
const MAX_CHANGES: usize = 32;

/// One message to one port.
#[derive(Clone, Debug)]
struct Try {
    is_control: bool,
    carrier: Carrier,
    method: Method,
    exchange: usize,
    socket: u16,
    sent: Vec<u8>,
}

/// The probe.
#[derive(Debug)]
pub struct AlgProbe {
    config: Config,
    /// One for UDP, one for TCP.
    clients: [SipClient; 2],
    /// What is still to be tried: over what, at which port.
    left: Vec<(usize, bool, Method)>,
    tries: Vec<(usize, Try)>,
    local: Option<Endpoint>,
    /// INVITEs that rang, which no mirror lets them, by client and exchange.
    cancelled: Vec<(usize, usize)>,
    is_stopped: bool,
}

impl AlgProbe {
    /// A probe that has sent nothing.
    #[must_use]
    pub fn new(mut config: Config) -> Self {
        let mut client = |carrier| SipClient::new(carrier, config.rng.fork()).listening();
        let clients = [client(Carrier::Udp), client(Carrier::Tcp)];
        let mut left = Vec::new();
        for carrier in [1, 0] {
            for is_control in [true, false] {
                left.extend(
                    METHODS
                        .into_iter()
                        .rev()
                        .map(|own| (carrier, is_control, own)),
                );
            }
        }
        Self {
            config,
            clients,
            left,
            tries: Vec::new(),
            local: None,
            cancelled: Vec::new(),
            is_stopped: false,
        }
    }

    fn go_on(&mut self, now: Timestamp) {
        for client in &mut self.clients {
            client.send_due(now);
        }
        self.acknowledge(now);
        let exchange = |client: usize, own: &Try| self.clients.get(client)?.get(own.exchange);
        let waits = self.tries.iter().any(|(client, own)| {
            exchange(*client, own).is_some_and(|own| own.is_waiting() && own.provisional == 0)
        });
        while !waits
            && !self.is_stopped
            && let Some((client, is_control, method)) = self.left.last().cloned()
        {
            // Where the first is silent the others are too.
            let is_silent = self.tries.iter().any(|(of, own)| {
                let state = (self.clients.get(*of))
                    .and_then(|all| all.get(own.exchange))
                    .map(|own| &own.state);
                let is_way = *of == client && own.is_control == is_control;
                is_way && matches!(state, Some(State::Silent))
            });
            if is_silent {
                self.left.pop();
                continue;
            }
            let port = match is_control {
                true => self.config.control,
                false => self.config.server.port,
            };
            let to = Endpoint::new(self.config.server.ip, port);
            let socket = u16::from(is_control) + u16::try_from(client).unwrap_or(0) * 10;
            let Some(own) = self.clients.get_mut(client) else {
                return;
            };
            match own.open(socket, to) {
                Opening::Asked => return,
                Opening::Refused => {
                    self.left.pop();
                    continue;
                }
                Opening::Open(local) => {
                    self.local.get_or_insert(*local);
                }
            }
            self.left.pop();
            self.send(now, (client, is_control), (socket, to), method);
            return;
        }
    }

    /// A message that names this host wherever one can; spelled in ways that only who
    /// rewrites minds.
    fn send(
        &mut self,
        now: Timestamp,
        (place, is_control): (usize, bool),
        (socket, to): (u16, Endpoint),
        method: Method,
    ) {
        let Some(client) = self.clients.get_mut(place) else {
            return;
        };
        let local = client.local(socket).unwrap_or_default();
        let (branch, tag, word) = (client.word(20), client.word(12), client.word(24));
        let via = client.via(socket, &branch);
        let carrier = [Carrier::Udp, Carrier::Tcp]
            .get(place)
            .copied()
            .unwrap_or(Carrier::Udp);
        let parameter = carrier.parameter();
        let ip = local.ip;
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let body = match method {
            Method::Invite => format!(
                "v=0\r\no=probe 1 1 IN {family} {ip}\r\ns=-\r\ni=at {ip}\r\nc=IN {family} {ip}\r\n\
                 t=0 0\r\nm=audio {} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=rtcp:{} IN {family} {ip}\r\n\
                 a=candidate:1 1 UDP 2130706431 {ip} {} typ host\r\n\
                 a=ice-ufrag:mirr\r\na=ice-pwd:notasecretnotasecretnot\r\n",
                local.port, local.port, local.port
            ),
            _ => String::new(),
        };
        let kind = if body.is_empty() {
            ""
        } else {
            "c: application/sdp\r\n"
        };
        let length = body.len();
        // Compact and odd spellings are right as well (RFC 3261, 7.3).
        let text = format!(
            "{method} sip:mirror@{to}{parameter} SIP/2.0\r\nVIA: {via}\r\nMax-Forwards: 70\r\n\
             f: <sip:probe@{local}>;tag={tag}\r\nTo: <sip:mirror@{to}>\r\nCall-ID: {word}@{ip}\r\n\
             CSeq: 1 {method}\r\nm: <sip:probe@{local}{parameter}>\r\nX-Address: {ip} {local}\r\n\
             X-Decoy: {DECOY}:5060\r\nSubject: what is\r\n folded\r\nExpires: 0\r\n\
             Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\nUser-Agent: {}\r\n{kind}l: {length}\r\n\r\n{body}",
            super::AGENT
        );
        let sent = text.into_bytes();
        let octets = sent.clone();
        let exchange = client.ask_in(now, (socket, to), method.clone(), branch, |_| octets);
        let own = Try {
            is_control,
            carrier,
            method,
            exchange,
            socket,
            sent,
        };
        self.tries.push((place, own));
    }

    /// Each answered INVITE is acknowledged, and its call ended.
    fn acknowledge(&mut self, now: Timestamp) {
        for place in 0..self.clients.len() {
            while let Some(heard) = self.clients.get_mut(place).and_then(SipClient::poll_heard) {
                let Heard::Response(number, response) = heard else {
                    continue;
                };
                let own = self.tries.iter().find(|(client, own)| {
                    *client == place && own.exchange == number && own.method == Method::Invite
                });
                let own = own.map(|own| own.1.clone());
                let Some((own, client)) = own.zip(self.clients.get_mut(place)) else {
                    continue;
                };
                if response.status >= 200 {
                    end(now, client, &own, &response);
                } else if !self.cancelled.contains(&(place, number)) {
                    self.cancelled.push((place, number));
                    cancel(now, client, &own);
                }
            }
        }
    }

    fn told(&self) -> Vec<AlgTry> {
        let tries = self.tries.iter();
        let tries = tries.filter_map(|(client, own)| {
            let exchange = self.clients.get(*client)?.get(own.exchange)?;
            Some(judged(own, exchange))
        });
        tries.collect()
    }
}

/// Nobody is to be rung up.
fn cancel(now: Timestamp, client: &mut SipClient, own: &Try) -> Option<()> {
    let exchange = client.get(own.exchange)?;
    let (server, uri, branch) = (exchange.to, exchange.asked(), exchange.branch.clone());
    let request = SipMessage::parse(&own.sent)?;
    let mut heads = Vec::new();
    for name in ["From", "To", "Call-ID"] {
        heads.push(field(name, crate::sip::reply::text(&request.named(name)?)?));
    }
    heads.push(field("CSeq", "1 CANCEL".to_owned()));
    let to = (own.socket, server);
    client.ask_in(now, to, Method::Cancel, branch, |via| {
        heads.insert(0, field("Via", via));
        heads.insert(1, field("Max-Forwards", "70".to_owned()));
        build::request_to("CANCEL", &uri, heads, b"")
    });
    Some(())
}

/// Acknowledges what answered an INVITE, and ends the call that it made.
fn end(now: Timestamp, client: &mut SipClient, own: &Try, response: &Response) -> Option<()> {
    let (message, request) = (response.message()?, SipMessage::parse(&own.sent)?);
    let text = |name: &str, message: &SipMessage<'_>| {
        let value = message.named(name)?;
        crate::sip::reply::text(&value)
    };
    let (from, call_id) = (text("From", &request)?, text("Call-ID", &request)?);
    let to = text("To", &message)?;
    let exchange = client.get(own.exchange)?;
    let (server, uri) = (exchange.to, exchange.asked());
    let is_good = response.status < 300;
    // RFC 3261, 17.1.1.3 and 13.2.2.4.
    let branch = match is_good {
        true => client.word(20),
        false => exchange.branch.clone(),
    };
    let heads = |via: String, method: &str, cseq: u32| {
        vec![
            field("Via", via),
            field("Max-Forwards", "70".to_owned()),
            field("From", from.clone()),
            field("To", to.clone()),
            field("Call-ID", call_id.clone()),
            field("CSeq", format!("{cseq} {method}")),
        ]
    };
    let via = client.via(own.socket, &branch);
    let ack = build::request_to("ACK", &uri, heads(via, "ACK", 1), b"");
    client.send(own.socket, server, ack);
    if is_good {
        client.ask(now, (own.socket, server), Method::Bye, |via| {
            build::request_to("BYE", &uri, heads(via, "BYE", 2), b"")
        });
    }
    Some(())
}

/// What came of one message.
fn judged(own: &Try, exchange: &Exchange) -> AlgTry {
    let response = exchange.response();
    let message = response.and_then(|own| own.message());
    let mirrored = message.as_ref().and_then(read);
    let answer = match (&mirrored, response) {
        (Some(_), _) => "mirrored",
        (None, Some(_)) => "other",
        (None, None) => "none",
    };
    let mut outward = Vec::new();
    let mut inward = Vec::new();
    if let (Some(mirrored), Some(message)) = (&mirrored, &message) {
        outward = changes(&own.sent, &mirrored.received);
        let contact = message.value(HeaderName::Contact).unwrap_or_default();
        if contact != decoy_contact().as_bytes() {
            inward.push(change(decoy_contact().as_bytes(), contact));
        }
        if own.method == Method::Invite {
            inward.extend(changes(decoy_description().as_bytes(), message.body()));
        }
    }
    AlgTry {
        transport: own.carrier.name().to_owned(),
        port: exchange.to.port,
        is_control: own.is_control,
        method: own.method.to_string(),
        answer: answer.to_owned(),
        status: response.map(|own| own.status),
        source: mirrored.map(|own| own.source),
        changed_outward: outward,
        changed_inward: inward,
    }
}

fn change(sent: &[u8], received: &[u8]) -> AlgChange {
    AlgChange {
        field: field_of(if sent.is_empty() { received } else { sent }),
        sent: super::sip_client::short(sent),
        received: super::sip_client::short(received),
    }
}

/// Lines that are not as they were: each that went missing with the one that stands in
/// its place.
fn changes(sent: &[u8], received: &[u8]) -> Vec<AlgChange> {
    fn lines(octets: &[u8]) -> Vec<&[u8]> {
        let lines = octets.split(|own| *own == b'\n').take(MAX_LINES);
        lines.map(<[u8]>::trim_ascii_end).collect()
    }
    if sent == received {
        return Vec::new();
    }
    let (before, after) = (lines(sent), lines(received));
    let lost: Vec<&&[u8]> = before.iter().filter(|own| !after.contains(own)).collect();
    let mut new: Vec<&&[u8]> = after.iter().filter(|own| !before.contains(own)).collect();
    let mut all = Vec::new();
    for line in lost {
        let name = field_of(line);
        let place = new.iter().position(|own| field_of(own) == name);
        let with = place.map_or(&b""[..], |place| new.remove(place));
        all.push(change(line, with));
    }
    all.extend(new.into_iter().map(|own| change(b"", own)));
    if all.is_empty() {
        // The same lines in another order, or other ends of lines.
        all.push(AlgChange {
            field: "order".to_owned(),
            sent: String::new(),
            received: String::new(),
        });
    }
    all.truncate(MAX_CHANGES);
    all
}

/// The header field of a line in its long spelling, or the line of a description:
/// `sdp-c`.
fn field_of(line: &[u8]) -> String {
    let text = octets::text(line);
    let mut letters = text.chars();
    if let (Some(letter), Some('=')) = (letters.next(), letters.next()) {
        let name = match letter {
            'a' => text.split([':', '=']).nth(1).unwrap_or_default(),
            _ => return format!("sdp-{letter}"),
        };
        return format!("sdp-{name}");
    }
    let name = text.split([':', ' ']).next().unwrap_or_default();
    let long = match name.to_ascii_lowercase().as_str() {
        "v" => "via",
        "f" => "from",
        "t" => "to",
        "i" => "call-id",
        "m" => "contact",
        "l" => "content-length",
        "c" => "content-type",
        "options" | "register" | "invite" => "request-line",
        "<sip" => "contact",
        other => return other.to_owned(),
    };
    long.to_owned()
}

impl Probe for AlgProbe {
    fn handle(&mut self, now: Timestamp, input: Input<'_>) {
        let socket = match input {
            Input::Opened { socket, .. }
            | Input::Received { socket, .. }
            | Input::Refused { socket, .. } => socket,
        };
        if let Some(client) = self.clients.get_mut(usize::from(socket / 10)) {
            client.handle(now, input);
        }
        self.go_on(now);
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.go_on(now);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        self.clients.iter_mut().find_map(SipClient::poll_transmit)
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        self.clients
            .iter()
            .filter_map(SipClient::poll_timeout)
            .min()
    }

    fn stop(&mut self, _now: Timestamp) {
        self.is_stopped = true;
    }

    fn found(&self) -> Found {
        let tries = self.told();
        let mirrored = |own: &&AlgTry| own.answer == "mirrored";
        let at = |is_control: bool| tries.iter().filter(move |own| own.is_control == is_control);
        let altered = |own: &AlgTry| !own.changed_outward.is_empty();
        let altered_in = |own: &AlgTry| !own.changed_inward.is_empty();
        let (sip, control) = (
            at(false).any(|own| mirrored(&own)),
            at(true).any(|own| mirrored(&own)),
        );
        let is_answered = tries.iter().any(|own| own.answer != "none");
        let over = |carrier: Carrier| {
            let mut all = tries.iter().filter(mirrored);
            all.any(|own| own.transport == carrier.name())
        };
        let others = at(false).any(|own| own.answer == "other");
        let verdict = if !is_answered {
            "no-answer"
        } else if !over(Carrier::Udp) && over(Carrier::Tcp) {
            "udp-blocked"
        } else if !sip && control && !others {
            "sip-blocked"
        } else if !sip && control {
            "intercepted"
        } else if !sip {
            "no-mirror"
        } else if at(true).any(altered) {
            "alg-on-any-port"
        } else if at(false).any(altered) {
            "alg-on-sip-port"
        } else if tries.iter().any(altered_in) {
            "alg-inward"
        } else {
            "no-alg"
        };
        let ending = match verdict {
            "no-answer" => Ending::NoAnswer,
            "no-mirror" => Ending::Failed,
            _ if !self.left.is_empty() => Ending::Inconclusive,
            _ => Ending::Done,
        };
        let mut fields: Vec<String> = tries
            .iter()
            .flat_map(|own| own.changed_outward.iter().chain(&own.changed_inward))
            .map(|own| own.field.clone())
            .collect();
        fields.sort();
        fields.dedup();
        let mut unaltered: Vec<String> = Vec::new();
        for own in tries.iter().filter(mirrored) {
            let way = format!("{} port {}", own.transport, own.port);
            let is_clean = tries.iter().all(|other| {
                let is_way = other.transport == own.transport && other.port == own.port;
                !is_way || !(altered(other) || altered_in(other))
            });
            if is_clean && !unaltered.contains(&way) {
                unaltered.push(way);
            }
        }
        let source = tries.iter().find_map(|own| own.source.clone());
        let local = self.local.map(|own| own.to_string());
        let measurements = AlgMeasurements {
            local_address: local,
            source,
            changed: fields,
            unaltered,
            tries,
        };
        Found {
            verdict: verdict.to_owned(),
            ending,
            steps: self.steps(),
            measurements: Measurements::Alg(Box::new(measurements)),
            strays: self.clients.iter().map(|own| own.strays).sum(),
        }
    }
}

impl AlgProbe {
    fn steps(&self) -> Vec<ProbeStep> {
        let unopened = self
            .clients
            .iter()
            .flat_map(|own| own.unopened.iter().cloned());
        let tries = self.tries.iter().filter_map(|(client, own)| {
            let exchange = self.clients.get(*client)?.get(own.exchange)?;
            let name = format!("{} over {}", own.method, own.carrier.name());
            Some(step(name, exchange))
        });
        unopened.chain(tries).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_told_line_by_line() {
        let check = |received: &str, expected: &[(&str, &str, &str)]| {
            let sent =
                b"VIA: a\r\nm: <sip:b>\r\nX: 1\r\n\r\nv=0\r\nc=IN IP4 10.0.0.1\r\na=rtcp:1\r\n";
            let told = changes(sent, received.as_bytes());
            let told: Vec<(&str, &str, &str)> = told
                .iter()
                .map(|own| (own.field.as_str(), own.sent.as_str(), own.received.as_str()))
                .collect();
            assert_eq!(told, expected, "{received}");
        };
        let same = "VIA: a\r\nm: <sip:b>\r\nX: 1\r\n\r\nv=0\r\nc=IN IP4 10.0.0.1\r\na=rtcp:1\r\n";
        check(same, &[]);
        check(
            &same.replace("10.0.0.1", "203.0.113.1"),
            &[("sdp-c", "c=IN IP4 10.0.0.1", "c=IN IP4 203.0.113.1")],
        );
        check(
            &same.replace("VIA: a", "Via: b"),
            &[("via", "VIA: a", "Via: b")],
        );
        check(
            &same.replace("m: <sip:b>", "Contact: <sip:c>"),
            &[("contact", "m: <sip:b>", "Contact: <sip:c>")],
        );
        check(&same.replace("X: 1\r\n", ""), &[("x", "X: 1", "")]);
        check(&same.replace("X: 1", "X: 1\r\nY: 2"), &[("y", "", "Y: 2")]);
        check(
            &same.replace("a=rtcp:1", "a=rtcp:2"),
            &[("sdp-rtcp", "a=rtcp:1", "a=rtcp:2")],
        );
        check(
            "m: <sip:b>\r\nVIA: a\r\nX: 1\r\n\r\nv=0\r\nc=IN IP4 10.0.0.1\r\na=rtcp:1\r\n",
            &[("order", "", "")],
        );
    }
}
