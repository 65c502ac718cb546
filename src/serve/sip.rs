//! What a SIP server answers by itself: that it is there (RFC 3261, 11), who is
//! registered (10), and calls (13).
//!
//! It holds no sockets and no clocks: what comes is told to it, and it is asked what
//! to send and when it wants to be woken.

use std::collections::VecDeque;

use rsip::Header;

use super::calls::{Call, MAX_CALLS, Manner};
use super::digest::{Gate, Users, Verdict};
use super::registrar::Registrar;
use crate::net::{Endpoint, Transport};
use crate::sip::header::HeaderName;
use crate::sip::reply::{Answer, Reply, field, reply, text};
use crate::sip::{Method, SipMessage, StartLine, Uri};
use crate::time::Timestamp;

const SERVER: &str = concat!("sip-inspect ", env!("CARGO_PKG_VERSION"));
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER";
/// Octets of a request that are answered; an answer is about as long.
const MAX_REQUEST: usize = 8192;
/// Requests whose copies are answered as they were (RFC 3261, 17.2.2).
const MAX_RECENT: usize = 64;
/// Values of Require that are given back.
const MAX_REQUIRED: usize = 16;

/// Who asks, and how an answer reaches them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// From where.
    pub from: Endpoint,
    /// Over what.
    pub transport: Transport,
    /// On which connection, where it is one.
    pub connection: Option<u64>,
}

/// Octets that are to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Where to.
    pub to: Endpoint,
    /// On which connection; by datagram where there is none.
    pub connection: Option<u64>,
    /// What.
    pub octets: Vec<u8>,
}

/// What a server is told to be.
#[derive(Debug)]
pub struct Config {
    /// Where it answers.
    pub local: Endpoint,
    /// Who may register; everybody, where nobody is named.
    pub users: Option<Users>,
    /// Where media are received: RTP, and the port of RTCP.
    pub media: Vec<(Endpoint, u16)>,
    /// What tags and nonces are made of.
    pub rng: fastrand::Rng,
}

/// The server.
#[derive(Debug)]
pub struct Desk {
    local: Endpoint,
    is_open: bool,
    gate: Gate,
    registrar: Registrar,
    calls: Vec<Call>,
    media: Vec<(Endpoint, u16)>,
    outgoing: VecDeque<Sent>,
    /// What was answered last, by the octets of the request.
    recent: VecDeque<(Vec<u8>, Sent)>,
    rng: fastrand::Rng,
}

/// A request, as it is looked at.
struct Asked<'a> {
    peer: Peer,
    message: &'a SipMessage<'a>,
    method: &'a Method,
    uri: &'a [u8],
    octets: &'a [u8],
}

impl Desk {
    /// A server that nobody has asked anything.
    #[must_use]
    pub fn new(mut config: Config) -> Self {
        let is_open = config.users.is_none();
        let users = config.users.unwrap_or_default();
        Self {
            local: config.local,
            is_open,
            gate: Gate::new(users, &mut config.rng),
            registrar: Registrar::default(),
            calls: Vec::new(),
            media: config.media,
            outgoing: VecDeque::new(),
            recent: VecDeque::new(),
            rng: config.rng,
        }
    }

    /// Takes a message.
    pub fn handle(&mut self, now: Timestamp, peer: Peer, octets: &[u8]) {
        if octets.len() > MAX_REQUEST {
            return;
        }
        let mut recent = self.recent.iter();
        if let Some((_, sent)) = recent.find(|(own, sent)| own == octets && is_to(sent, peer)) {
            return self.outgoing.push_back(sent.clone());
        }
        let Some(message) = SipMessage::parse(octets) else {
            return;
        };
        let StartLine::Request {
            method,
            request_uri,
            ..
        } = message.start_line()
        else {
            return;
        };
        let asked = Asked {
            peer,
            message: &message,
            method,
            uri: request_uri,
            octets,
        };
        // To be looked into, and kept of nothing.
        if Uri::parse(request_uri).user_name() == b"mirror" {
            return self.push(peer, super::mirror::answer(peer, octets));
        }
        let Ok(cseq) = message.cseq() else { return };
        let known = self.known(&message);
        match (&cseq.method == method, method) {
            (false, _) => self.answer(&asked, 400, Vec::new()),
            (true, Method::Ack) => self.acknowledged(known),
            (true, Method::Options) => self.options(&asked),
            (true, Method::Register) => self.register(now, &asked),
            (true, Method::Invite) => self.invite(now, &asked, known),
            (true, Method::Cancel) => self.cancel(now, &asked, known),
            (true, Method::Bye) => match known {
                Some(place) => {
                    self.answer(&asked, 200, Vec::new());
                    self.calls.remove(place);
                }
                None => self.answer(&asked, 481, Vec::new()),
            },
            (true, _) => self.answer(&asked, 405, vec![field("Allow", ALLOW.to_owned())]),
        }
    }

    /// The call that a request belongs to.
    fn known(&self, message: &SipMessage<'_>) -> Option<usize> {
        let call_id = message.call_id()?;
        let tag = message.to().and_then(|own| own.tag());
        let is_own =
            |own: &Call| own.call_id == call_id && tag.is_none_or(|tag| tag == own.tag.as_bytes());
        self.calls.iter().position(is_own)
    }

    fn answer(&mut self, asked: &Asked<'_>, status: u16, headers: Vec<Header>) {
        let tag = super::word(&mut self.rng);
        let reply = written(asked.peer, asked.message, status, &tag, headers, "");
        let Some(Reply { to, octets }) = reply else {
            return;
        };
        let sent = Sent {
            to,
            connection: asked.peer.connection,
            octets,
        };
        if self.recent.len() >= MAX_RECENT {
            self.recent.pop_front();
        }
        (self.recent).push_back((asked.octets.to_vec(), sent.clone()));
        self.outgoing.push_back(sent);
    }

    fn push(&mut self, peer: Peer, written: Option<Reply>) {
        if let Some(Reply { to, octets }) = written {
            self.outgoing.push_back(Sent {
                to,
                connection: peer.connection,
                octets,
            });
        }
    }

    fn options(&mut self, asked: &Asked<'_>) {
        let required = asked.message.values(HeaderName::Require);
        let required: Vec<String> = required.filter_map(text).take(MAX_REQUIRED).collect();
        if required.is_empty() {
            let accept = field("Accept", "application/sdp".to_owned());
            self.answer(asked, 200, vec![field("Allow", ALLOW.to_owned()), accept]);
        } else {
            let unsupported = field("Unsupported", required.join(", "));
            self.answer(asked, 420, vec![unsupported]);
        }
    }

    fn register(&mut self, now: Timestamp, asked: &Asked<'_>) {
        let to = asked.message.to();
        let user = to.and_then(|own| text(own.parsed_uri().user_name()));
        let Some(user) = user.filter(|own| !own.is_empty()) else {
            return self.answer(asked, 404, Vec::new());
        };
        if !self.is_open && !self.is_let_in(now, asked, Some(&user)) {
            return;
        }
        let (status, headers) = self.registrar.register(now, &user, asked.message);
        self.answer(asked, status, headers);
    }

    /// Whether the request's answer to a challenge is right; if not, it is
    /// challenged.
    fn is_let_in(&mut self, now: Timestamp, asked: &Asked<'_>, user: Option<&str>) -> bool {
        let method = asked.method.to_string();
        let verdict = self.gate.verdict(now, asked.message, &method, user);
        if verdict != Verdict::Right {
            let challenges = self.gate.challenges(now, verdict == Verdict::Stale);
            self.answer(asked, 401, challenges);
        }
        verdict == Verdict::Right
    }

    fn invite(&mut self, now: Timestamp, asked: &Asked<'_>, known: Option<usize>) {
        let branch = asked.message.top_via().ok().and_then(|own| own.branch);
        let branch = branch.unwrap_or_default();
        if let Some(call) = known.and_then(|own| self.calls.get_mut(own)) {
            let peer = asked.peer;
            if call.branch == branch {
                // A copy: what was answered is answered again.
                let octets = call.last.clone();
                let to = peer.from;
                return self.push(peer, Some(Reply { to, octets }));
            }
            if asked.message.to().and_then(|own| own.tag()).is_some() {
                // A change within the call: nothing changes.
                let (tag, body) = (call.tag.clone(), call.description.clone());
                let headers = self.talk();
                let octets = written(peer, asked.message, 200, &tag, headers, &body);
                return self.push(peer, octets);
            }
        }
        let user = Uri::parse(asked.uri);
        match Manner::of(user.user_name()) {
            Manner::Refuse(status) => self.answer(asked, status, Vec::new()),
            Manner::Redirect => {
                let contact = format!("<sip:echo@{}>", self.local);
                self.answer(asked, 302, vec![field("Contact", contact)]);
            }
            Manner::Challenge if self.is_open => self.answer(asked, 403, Vec::new()),
            Manner::Challenge => {
                if self.is_let_in(now, asked, None) {
                    self.ring(now, asked, branch, Some(0), false);
                }
            }
            Manner::Ring => self.ring(now, asked, branch, None, false),
            Manner::Answer { after_ns, early } => {
                self.ring(now, asked, branch, Some(after_ns), early);
            }
        }
    }

    fn ring(
        &mut self,
        now: Timestamp,
        asked: &Asked<'_>,
        branch: &[u8],
        after_ns: Option<i64>,
        early: bool,
    ) {
        let used: Vec<usize> = self.calls.iter().map(|own| own.slot).collect();
        let mut slots = self.media.iter().copied().enumerate().take(MAX_CALLS);
        let Some(slot) = slots.find(|(slot, _)| !used.contains(slot)) else {
            return self.answer(asked, 486, Vec::new());
        };
        let offer = asked.message.sdp();
        let Some(mut call) = Call::new(now, asked.peer, slot, offer, &mut self.rng) else {
            return self.answer(asked, 488, Vec::new());
        };
        call.call_id = asked.message.call_id().unwrap_or_default().to_vec();
        call.branch = branch.to_vec();
        call.invite = asked.octets.to_vec();
        call.answer_at = after_ns.map(|own| now.offset(own));
        let (status, body) = match early {
            true => (183, call.description.clone()),
            false => (180, String::new()),
        };
        let headers = self.talk();
        let ringing = written(asked.peer, asked.message, status, &call.tag, headers, &body);
        // What can't be answered can't be called either.
        let Some(ringing) = ringing else { return };
        call.last.clone_from(&ringing.octets);
        self.push(asked.peer, Some(ringing));
        self.calls.push(call);
        self.handle_timeout(now);
    }

    /// What stands in each response that makes or keeps a dialog.
    fn talk(&self) -> Vec<Header> {
        let contact = format!("<sip:echo@{}>", self.local);
        vec![field("Contact", contact), field("Allow", ALLOW.to_owned())]
    }

    fn cancel(&mut self, now: Timestamp, asked: &Asked<'_>, known: Option<usize>) {
        let branch = asked.message.top_via().ok().and_then(|own| own.branch);
        let call = known.and_then(|own| self.calls.get_mut(own));
        let call = call.filter(|own| Some(own.branch.as_slice()) == branch);
        let Some(call) = call else {
            return self.answer(asked, 481, Vec::new());
        };
        if call.repeated.is_none() && !call.is_answered {
            let invite = std::mem::take(&mut call.invite);
            let refusal = SipMessage::parse(&invite)
                .and_then(|own| written(call.peer, &own, 487, &call.tag, Vec::new(), ""));
            let octets = refusal.as_ref().map(|own| own.octets.clone());
            call.finish(now, octets.unwrap_or_default());
            let peer = call.peer;
            self.push(peer, refusal);
        }
        self.answer(asked, 200, Vec::new());
    }

    fn acknowledged(&mut self, known: Option<usize>) {
        let Some(place) = known else { return };
        let is_answered = self.calls.get_mut(place).map(|own| {
            own.repeated = None;
            own.is_answered
        });
        // What was refused is over.
        if is_answered == Some(false) {
            self.calls.remove(place);
        }
    }

    /// Takes the time.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.calls.retain(|own| !own.is_over(now));
        let headers = self.talk();
        let mut sent = Vec::new();
        for call in &mut self.calls {
            if call.answer_at.is_some_and(|own| own <= now) {
                let invite = std::mem::take(&mut call.invite);
                let answer = SipMessage::parse(&invite).and_then(|own| {
                    let headers = headers.clone();
                    written(call.peer, &own, 200, &call.tag, headers, &call.description)
                });
                let octets = answer.as_ref().map(|own| own.octets.clone());
                call.finish(now, octets.unwrap_or_default());
                call.is_answered = true;
                sent.push((call.peer, answer));
            } else if let Some(octets) = call.repeat(now) {
                let to = call.peer.from;
                if call.peer.transport == Transport::Udp {
                    sent.push((call.peer, Some(Reply { to, octets })));
                }
            }
        }
        for (peer, reply) in sent {
            self.push(peer, reply);
        }
    }

    /// When [`Self::handle_timeout`] is wanted.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.calls.iter().map(Call::due).min()
    }

    /// What is to be sent next.
    pub fn poll_transmit(&mut self) -> Option<Sent> {
        self.outgoing.pop_front()
    }

    /// Takes what came to the media ports of a slot; hands back what goes to its
    /// sender, from the same port.
    pub fn media(
        &mut self,
        now: Timestamp,
        slot: usize,
        from: Endpoint,
        octets: &[u8],
    ) -> Option<Vec<u8>> {
        let call = self.calls.iter_mut().find(|own| own.slot == slot)?;
        call.echo.take(now, from, octets)
    }
}

/// Whether a copy that comes from a peer is answered by what was sent.
fn is_to(sent: &Sent, peer: Peer) -> bool {
    sent.to.ip == peer.from.ip && sent.connection == peer.connection
}

/// A response of this server.
fn written(
    peer: Peer,
    request: &SipMessage<'_>,
    status: u16,
    tag: &str,
    mut headers: Vec<Header>,
    body: &str,
) -> Option<Reply> {
    headers.push(field("Server", SERVER.to_owned()));
    if !body.is_empty() {
        headers.push(field("Content-Type", "application/sdp".to_owned()));
    }
    let answer = Answer {
        status,
        tag,
        headers,
        body: body.as_bytes(),
    };
    reply(request, peer.from, peer.transport, answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        let address: std::net::SocketAddr = text.parse().expect("an endpoint");
        Endpoint::new(address.ip(), address.port())
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_nanos(1_700_000_000_000_000_000 + ms * 1_000_000)
    }

    fn desk(users: Option<&str>) -> Desk {
        let port = |own: u16| (endpoint(&format!("192.0.2.1:{own}")), own + 1);
        Desk::new(Config {
            local: endpoint("192.0.2.1:5060"),
            users: users.map(|own| Users::parse(own).expect("users")),
            media: (0..8).map(|own| port(20_000 + own * 2)).collect(),
            rng: fastrand::Rng::with_seed(7),
        })
    }

    fn request(method: &str, via: &str, more: &str) -> String {
        format!(
            "{method} sip:192.0.2.1 SIP/2.0\r\nVia: {via}\r\nFrom: <sip:a@x>;tag=f\r\nTo: <sip:b@x>\r\n\
             Call-ID: c\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n{more}Content-Length: 0\r\n\r\n"
        )
    }

    #[test]
    fn requests_are_answered_as_they_must_be() {
        let from = endpoint("198.51.100.7:4000");
        let check = |text: &str, expected: Option<(u16, &str, &str)>| {
            let peer = Peer {
                from,
                transport: Transport::Udp,
                connection: None,
            };
            let mut desk = desk(None);
            desk.handle(at(0), peer, text.as_bytes());
            let told = desk.poll_transmit().map(|reply| {
                let message = SipMessage::parse(&reply.octets).expect("a message");
                assert_eq!(message.anomalies(), [], "{text}");
                assert!(message.to().expect("To").tag().is_some());
                let StartLine::Response { status_code, .. } = message.start_line() else {
                    panic!("no response");
                };
                let via = message.values(HeaderName::Via).next().expect("a Via");
                (
                    status_code.expect("a status"),
                    String::from_utf8(via.to_vec()).expect("UTF-8"),
                    reply.to.to_string(),
                )
            });
            let expected =
                expected.map(|(status, via, to)| (status, via.to_owned(), to.to_owned()));
            assert_eq!(told, expected, "{text}");
        };
        let rport = "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx;rport";
        let seen = "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx;rport=4000;received=198.51.100.7";
        check(
            &request("OPTIONS", rport, ""),
            Some((200, seen, "198.51.100.7:4000")),
        );
        check(
            &request("PUBLISH", rport, ""),
            Some((405, seen, "198.51.100.7:4000")),
        );
        check(
            &request("CANCEL", rport, ""),
            Some((481, seen, "198.51.100.7:4000")),
        );
        let more = "Require: magic\r\n";
        check(
            &request("OPTIONS", rport, more),
            Some((420, seen, "198.51.100.7:4000")),
        );
        // Without rport the port of the Via is meant; never another address.
        let plain = "SIP/2.0/UDP 192.0.2.99:5070;branch=z9hG4bKx";
        let seen = "SIP/2.0/UDP 192.0.2.99:5070;branch=z9hG4bKx;received=198.51.100.7";
        check(
            &request("OPTIONS", plain, ""),
            Some((200, seen, "198.51.100.7:5070")),
        );
        let own = "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKx";
        check(
            &request("OPTIONS", own, ""),
            Some((200, own, "198.51.100.7:5060")),
        );
        check(&request("ACK", rport, ""), None);
        check("SIP/2.0 200 OK\r\n\r\n", None);
        check(
            &request("OPTIONS", rport, "").replace("Call-ID: c\r\n", ""),
            None,
        );
        let long = format!("Subject: {}\r\n", "x".repeat(MAX_REQUEST));
        check(&request("OPTIONS", rport, &long), None);
    }
}
