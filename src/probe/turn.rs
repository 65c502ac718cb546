//! Whether a TURN server relays, both ways, and how well (RFC 8656).
//!
//! Two sockets of this host are the client and its peer, so that what is lost on the
//! way through the relay is counted at both ends. The allocation is given back at the
//! end, whatever happened between.

use std::net::{IpAddr, Ipv4Addr};

use data_encoding::BASE64;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use super::call::direction;
use super::client::{ASKING, Answer, Client, Exchange, Ids, State, step};
use super::digest::Credentials;
use super::{Carrier, Ending, Found, Input, Probe, Socket, Transmit};
use crate::net::Endpoint;
use crate::report::{
    CallDirection, Measurements, ProbeStep, Spread, TurnMeasurements, milliseconds,
};
use crate::rtp::RtpPacket;
use crate::rtp::g711::Law;
use crate::rtp::session::Session;
use crate::stun::StunMessage;
use crate::stun::build::{TurnAttribute, TurnMessage, TurnMethod, Wanted, channel_data};
use crate::time::{MILLISECOND, Timestamp};

/// What is to be found out.
#[derive(Debug)]
pub struct Config {
    /// The server's addresses; the next is asked where one is silent.
    pub servers: Vec<Endpoint>,
    /// Over what the client reaches it; its peer always sends datagrams.
    pub transport: Carrier,
    /// Who asks, and for which realm.
    pub credentials: Credentials,
    /// Whether the password is a secret that is shared with the server, from which
    /// user and password are made (REST API for TURN).
    pub is_secret: bool,
    /// Packets that are sent through the relay and back.
    pub count: u32,
    /// What sources are made of.
    pub rng: fastrand::Rng,
}

/// Sockets of the peer count from here.
const PEER: u16 = 2000;
/// The channel that is bound (RFC 8656, 12).
const CHANNEL: u16 = 0x4000;
/// A packet each 20 ms.
const PACE_NS: i64 = 20 * MILLISECOND;
/// Ticks of a packet.
const TICKS: u32 = 160;
/// What waits for single packets sends them so often, this far apart.
const TRIES: u32 = 5;
const TRY_NS: i64 = 200 * MILLISECOND;
/// So far apart, where nothing is to come any more.
const AFTER_NS: i64 = 500 * MILLISECOND;
/// The last packets are waited for.
const LAST_NS: i64 = 500 * MILLISECOND;
/// How long made-up credentials hold.
const VALID_S: u64 = 3600;
/// For how long the allocation is kept.
const LIFETIME_S: u32 = 600;

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    Allocate,
    /// The peer learns how it is seen.
    Binding,
    Permission,
    /// A permission for the server itself, which it is to refuse.
    Loopback,
    /// The peer sends to the relayed address.
    Hello,
    /// The client sends to the peer, by indications.
    Answer,
    Channel,
    Echo,
    Refresh,
    Release,
    /// The peer sends once more: nothing is to come.
    After,
    Over,
}

/// The probe.
#[derive(Debug)]
pub struct TurnProbe {
    config: Config,
    client: Client,
    stage: Stage,
    place: usize,
    asked: Vec<(&'static str, usize)>,
    now_asked: Option<usize>,
    due: Option<Timestamp>,
    tries: u32,
    near: Session,
    far: Session,
    sent: Vec<Timestamp>,
    round_trips: Vec<f64>,
    began: Option<Timestamp>,
    relayed: Option<Endpoint>,
    mapped: Option<Endpoint>,
    peer: Option<Endpoint>,
    /// Whether an allocation may stand.
    stands: bool,
    is_stopped: bool,
    told: TurnMeasurements,
}

impl TurnProbe {
    /// A probe that has sent nothing.
    #[must_use]
    pub fn new(mut config: Config) -> Self {
        let rng = &mut config.rng;
        let mut session =
            |name: &str| Session::new(rng.u32(..), rng.u16(..0x8000), 8000, name.to_owned());
        let (near, far) = (session("near"), session("far"));
        Self {
            client: Client::new(Ids::Random).listening(),
            stage: Stage::Begin,
            place: 0,
            asked: Vec::new(),
            now_asked: None,
            due: None,
            tries: 0,
            near,
            far,
            sent: Vec::new(),
            round_trips: Vec::new(),
            began: None,
            relayed: None,
            mapped: None,
            peer: None,
            stands: false,
            is_stopped: false,
            told: TurnMeasurements {
                transport: config.transport.name().to_owned(),
                ..TurnMeasurements::default()
            },
            config,
        }
    }

    fn server(&self) -> Endpoint {
        let server = self.config.servers.get(self.place).copied();
        server.unwrap_or_default()
    }

    fn own(&self, is_media: bool) -> Socket {
        let number = u16::try_from(self.place).unwrap_or(PEER - 1);
        Socket {
            is_media,
            ..Socket::new(number, self.config.transport)
        }
    }

    fn peers(&self, is_media: bool) -> Socket {
        let number = self.own(false).number.saturating_add(PEER);
        Socket {
            is_media,
            ..Socket::new(number, Carrier::Udp)
        }
    }

    fn go_on(&mut self, now: Timestamp) {
        self.client.send_due(now);
        match self.stage {
            Stage::Begin => self.begin(now),
            Stage::Hello | Stage::Answer | Stage::After => self.trying(now),
            Stage::Echo => self.echo(now),
            Stage::Over => {}
            _ => {
                let exchange = self.now_asked.and_then(|own| self.client.get(own));
                let Some(exchange) = exchange.cloned() else {
                    return;
                };
                if exchange.state != State::Waiting {
                    self.answered(now, &exchange);
                }
            }
        }
    }

    fn begin(&mut self, now: Timestamp) {
        let mut login = self.config.credentials.clone();
        if self.config.is_secret
            && let Some(secret) = &login.password
        {
            let until = now.as_nanos() / 1_000_000_000 + VALID_S;
            login.user = format!("{until}:{}", login.user);
            login.password = shared(secret, &login.user);
        }
        self.client.log_in(login);
        self.began = Some(now);
        self.allocate(now);
    }

    fn allocate(&mut self, now: Timestamp) {
        let lifetime = TurnAttribute::Lifetime(LIFETIME_S);
        let wanted = vec![TurnAttribute::RequestedUdp, lifetime];
        self.ask(
            now,
            Stage::Allocate,
            "allocate",
            TurnMethod::Allocate,
            wanted,
        );
    }

    fn ask(
        &mut self,
        now: Timestamp,
        stage: Stage,
        name: &'static str,
        method: TurnMethod,
        attributes: Vec<TurnAttribute>,
    ) {
        self.stage = stage;
        let turn = TurnMessage { method, attributes };
        let to = (self.own(false), self.server());
        let exchange = self.client.ask_relay(now, to, turn);
        self.asked.push((name, exchange));
        self.now_asked = Some(exchange);
    }

    fn answered(&mut self, now: Timestamp, exchange: &Exchange) {
        let answer = match &exchange.state {
            State::Answered(answer) => Some(&**answer),
            _ => None,
        };
        let good = answer.filter(|own| own.error.is_none());
        match self.stage {
            Stage::Allocate => self.allocated(now, exchange, answer),
            Stage::Binding => {
                // Where that can't be asked, it is likely the client's; the port shows
                // when the peer sends.
                let mapped = good.and_then(|own| own.mapped).or(self.mapped);
                self.peer = mapped;
                self.told.peer_address = mapped.map(|own| own.to_string());
                match mapped {
                    Some(peer) => self.permit(now, peer),
                    None => self.release(now),
                }
            }
            Stage::Permission => {
                self.told.permission_ms = good.map(|own| milliseconds(own.round_trip_ns));
                self.take_error(answer);
                match good {
                    Some(_) => {
                        let own = match self.server().ip {
                            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
                            IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
                        };
                        let peer = vec![TurnAttribute::Peer(Endpoint::new(own, 9))];
                        let (name, method) = (
                            "permission for the server itself",
                            TurnMethod::CreatePermission,
                        );
                        self.ask(now, Stage::Loopback, name, method, peer);
                    }
                    None => self.release(now),
                }
            }
            Stage::Loopback => {
                let code = answer.map(|own| own.error);
                self.told.loopback_refused = code.map(|own| own.is_some());
                self.try_again(now, Stage::Hello);
            }
            Stage::Channel => {
                self.take_error(answer);
                self.told.channel = Some(good.is_some());
                self.stage = Stage::Echo;
                self.due = Some(now);
                self.echo(now);
            }
            Stage::Refresh => {
                self.told.refreshed = Some(good.is_some());
                self.release(now);
            }
            Stage::Release => {
                self.told.released = Some(good.is_some());
                self.stands = false;
                if good.is_some() && self.told.first_ms.is_some() && !self.is_stopped {
                    self.try_again(now, Stage::After);
                } else {
                    self.stage = Stage::Over;
                }
            }
            _ => {}
        }
    }

    fn take_error(&mut self, answer: Option<&Answer>) {
        if let Some(code) = answer.and_then(|own| own.error) {
            self.told.error_code = Some(code);
        }
    }

    fn allocated(&mut self, now: Timestamp, exchange: &Exchange, answer: Option<&Answer>) {
        self.told.challenges = u64::from(exchange.challenges);
        self.told.realm = self.client.realm().map(str::to_owned);
        let Some(answer) = answer else {
            if self.place + 1 < self.config.servers.len() {
                self.place += 1;
                return self.allocate(now);
            }
            self.stage = Stage::Over;
            return;
        };
        self.told.server = Some(answer.from.to_string());
        self.told.local_address = Some(answer.local.to_string());
        self.told.software.clone_from(&answer.software);
        self.told.mapped_address = answer.mapped.map(|own| own.to_string());
        self.told.alternate_server = answer.alternate.map(|own| own.to_string());
        self.take_error(Some(answer));
        self.relayed = answer.relayed;
        self.mapped = answer.mapped;
        self.told.relayed_address = answer.relayed.map(|own| own.to_string());
        self.told.lifetime_s = answer.lifetime_s;
        if answer.error.is_some() || answer.relayed.is_none() {
            self.stage = Stage::Over;
            return;
        }
        self.told.is_open = exchange.challenges == 0;
        self.told.allocate_ms = self.began.map(|own| milliseconds(now.since(own)));
        self.stands = true;
        self.stage = Stage::Binding;
        let socket = self.peers(false);
        // The peer speaks UDP, which the port of TLS does not.
        let server = match self.config.transport {
            Carrier::Tls => Endpoint::new(self.server().ip, 3478),
            _ => self.server(),
        };
        let exchange = (self.client).ask(now, socket, server, Wanted::default(), ASKING);
        self.asked.push(("binding of the peer", exchange));
        self.now_asked = Some(exchange);
    }

    fn permit(&mut self, now: Timestamp, peer: Endpoint) {
        let peer = vec![TurnAttribute::Peer(peer)];
        let method = TurnMethod::CreatePermission;
        self.ask(now, Stage::Permission, "permission", method, peer);
    }

    fn try_again(&mut self, now: Timestamp, stage: Stage) {
        self.stage = stage;
        self.tries = 0;
        self.due = Some(now);
        self.trying(now);
    }

    /// Sends single packets until one arrives.
    fn trying(&mut self, now: Timestamp) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        if self.tries >= TRIES {
            return match self.stage {
                Stage::Hello => self.try_again(now, Stage::Answer),
                Stage::Answer => self.bind(now),
                _ => {
                    self.due = None;
                    self.stage = Stage::Over;
                }
            };
        }
        self.tries += 1;
        let pause = match self.stage {
            // The last decides: servers clean up once in a while.
            Stage::After => {
                self.told.silent_after = Some(true);
                AFTER_NS
            }
            _ => TRY_NS,
        };
        self.due = Some(now.offset(pause));
        let (Some(relayed), Some(peer)) = (self.relayed, self.peer) else {
            return;
        };
        if self.stage == Stage::Answer {
            let data = TurnAttribute::Data(b"hello".to_vec());
            let turn = TurnMessage {
                method: TurnMethod::Send,
                attributes: vec![TurnAttribute::Peer(peer), data],
            };
            let octets = turn.written(crate::stun::build::random_transaction(), None);
            let (socket, server) = (self.own(false), self.server());
            self.client.send(socket, server, octets);
        } else {
            let socket = self.peers(false);
            self.client.send(socket, relayed, b"hello".to_vec());
        }
    }

    fn bind(&mut self, now: Timestamp) {
        let Some(peer) = self.peer else { return };
        let wanted = vec![TurnAttribute::Channel(CHANNEL), TurnAttribute::Peer(peer)];
        let method = TurnMethod::ChannelBind;
        self.ask(now, Stage::Channel, "channel", method, wanted);
    }

    /// Sends through the relay, at the pace of media.
    fn echo(&mut self, now: Timestamp) {
        while self.due.is_some_and(|due| due <= now) {
            let due = self.due.unwrap_or(now);
            let count = u32::try_from(self.sent.len()).unwrap_or(u32::MAX);
            if count >= self.config.count || self.told.channel != Some(true) {
                self.due = None;
                let lifetime = vec![TurnAttribute::Lifetime(LIFETIME_S)];
                return self.ask(
                    now,
                    Stage::Refresh,
                    "refresh",
                    TurnMethod::Refresh,
                    lifetime,
                );
            }
            let ticks = count.wrapping_mul(TICKS);
            let payload = [Law::Mu.encode(0); TICKS as usize];
            let packet = self.near.packet(now, 0, count == 0, ticks, &payload);
            self.sent.push(now);
            let is_stream = self.config.transport.is_stream();
            let octets = channel_data(CHANNEL, &packet, is_stream);
            let (socket, server) = (self.own(true), self.server());
            self.client.send(socket, server, octets);
            let is_last = count + 1 >= self.config.count;
            self.due = Some(due.offset(if is_last { LAST_NS } else { PACE_NS }));
        }
    }

    fn release(&mut self, now: Timestamp) {
        let none = vec![TurnAttribute::Lifetime(0)];
        self.ask(now, Stage::Release, "release", TurnMethod::Refresh, none);
    }

    /// What came to the client that is no response: data of the peer.
    fn relayed_data(&mut self, now: Timestamp, octets: &[u8]) {
        let (data, from) = match StunMessage::parse(octets) {
            Some(message) if message.method == 7 => {
                (message.data().map(<[u8]>::to_vec), message.peer_address())
            }
            Some(_) => return,
            None => {
                let length = crate::octets::u16_at(octets, 2).map(usize::from);
                let data = length.and_then(|own| octets.get(4..own.checked_add(4)?));
                (data.map(<[u8]>::to_vec), None)
            }
        };
        let Some(data) = data else { return };
        match self.stage {
            Stage::After => self.told.silent_after = Some(false),
            Stage::Hello => {
                // How the relay sees the peer, which a NAT may have changed.
                if let Some(from) = from {
                    self.peer = Some(from);
                    self.told.peer_address = Some(from.to_string());
                }
                self.told.first_ms = self.began.map(|own| milliseconds(now.since(own)));
                self.told.from_peer_by_indication = Some(true);
                self.try_again(now, Stage::Answer);
            }
            _ => {}
        }
        let Some(packet) = RtpPacket::parse(&data).filter(|own| own.ssrc == self.far.ssrc) else {
            return;
        };
        let place = usize::try_from(packet.timestamp / TICKS).unwrap_or(usize::MAX);
        if let Some(sent) = self.sent.get(place) {
            self.round_trips.push(milliseconds(now.since(*sent)));
        }
        let server = self.server();
        self.near.received(now, server, &packet);
    }

    /// What came to the peer from the relayed address.
    fn peer_data(&mut self, now: Timestamp, from: Endpoint, octets: &[u8]) {
        if self.relayed != Some(from) {
            self.client.strays += 1;
            return;
        }
        if self.stage == Stage::Answer && octets == b"hello" {
            self.told.to_peer_by_indication = Some(true);
            return self.bind(now);
        }
        let Some(packet) = RtpPacket::parse(octets).filter(|own| own.ssrc == self.near.ssrc) else {
            return;
        };
        let before = self.far.main().map_or(0, |own| own.packets);
        self.far.received(now, from, &packet);
        // A relay that copies packets is not paid back in kind.
        if before < u64::from(self.config.count) * 2 {
            let (kind, ticks) = (packet.payload_type, packet.timestamp);
            let back = self
                .far
                .packet(now, kind, packet.marker, ticks, packet.payload);
            let socket = self.peers(true);
            self.client.send(socket, from, back);
        }
    }
}

/// The password of a user, made from a secret that the server shares.
fn shared(secret: &str, user: &str) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(user.as_bytes());
    Some(BASE64.encode(&mac.finalize().into_bytes()))
}

impl Probe for TurnProbe {
    fn handle(&mut self, now: Timestamp, input: Input<'_>) {
        match input {
            Input::Received {
                socket,
                local,
                from,
                octets,
            } => {
                let is_own = self.client.received(now, socket, local, from, octets);
                if !is_own && socket >= PEER {
                    self.peer_data(now, from, octets);
                }
                while let Some((socket, octets)) = self.client.poll_heard() {
                    if socket < PEER && from == self.server() {
                        self.relayed_data(now, &octets);
                    }
                }
            }
            Input::Refused { socket, to, why } => self.client.refused(now, socket, to, why),
            Input::Opened { .. } => {}
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
        let due = [self.client.poll_timeout(), self.due];
        due.into_iter().flatten().min()
    }

    fn stop(&mut self, now: Timestamp) {
        self.is_stopped = true;
        self.due = None;
        if self.stands && self.stage != Stage::Release {
            self.release(now);
        } else if !self.stands {
            self.stage = Stage::Over;
        }
    }

    fn reserve(&self) -> u64 {
        if self.stands { 4 } else { 0 }
    }

    fn found(&self) -> Found {
        let mut own = self.told.clone();
        let sent = u64::try_from(self.sent.len()).unwrap_or_default();
        own.to_peer = one_way(&self.far, sent);
        own.from_peer = one_way(&self.near, u64::from(self.far.packets));
        own.rtt_ms =
            (!self.round_trips.is_empty()).then(|| Spread::of(self.round_trips.clone(), 0));
        let relays = own.from_peer.packets > 0;
        let is_answered = own.server.is_some();
        let wants_password = self.config.credentials.password.is_none();
        let (verdict, ending) = match (own.error_code, self.relayed) {
            _ if !is_answered => ("no-answer", Ending::NoAnswer),
            (Some(401), None) if wants_password => ("password-wanted", Ending::Failed),
            (Some(300), None) => ("elsewhere", Ending::Failed),
            (Some(_), None) => ("refused", Ending::Failed),
            (_, Some(_)) if relays && own.released == Some(true) => ("relays", Ending::Done),
            (_, Some(_)) if relays => ("not-released", Ending::Failed),
            (_, Some(_)) if self.stage != Stage::Over => ("unfinished", Ending::Inconclusive),
            _ => ("does-not-relay", Ending::Failed),
        };
        Found {
            verdict: verdict.to_owned(),
            ending,
            steps: self.steps(),
            measurements: Measurements::Turn(Box::new(own)),
            strays: self.client.strays,
        }
    }
}

impl TurnProbe {
    fn steps(&self) -> Vec<ProbeStep> {
        let asked = self.asked.iter();
        let asked = asked.filter_map(|(name, own)| Some(step(name, self.client.get(*own)?)));
        asked.collect()
    }
}

/// What one side heard of what the other sent.
fn one_way(heard: &Session, sent: u64) -> CallDirection {
    let Some(source) = heard.main() else {
        return CallDirection {
            expected: Some(sent),
            lost: Some(sent),
            loss_percent: (sent > 0).then_some(100.0),
            ..CallDirection::default()
        };
    };
    let counts = source.counts();
    let arrived = counts.expected.saturating_sub(counts.lost);
    #[expect(clippy::cast_precision_loss, reason = "packets are few")]
    let burst = counts.lost as f64 / counts.loss_bursts.max(1) as f64;
    let (lost, jitter) = (sent.saturating_sub(arrived), source.jitter_ms());
    direction(
        "PCMU",
        source.packets,
        sent,
        lost,
        jitter,
        burst,
        "counted at both ends",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_made_from_a_secret() {
        // HMAC-SHA1 of RFC 2202, 3, test case 2.
        let told = shared("Jefe", "what do ya want for nothing?");
        assert_eq!(told.as_deref(), Some("7/zfauXrL6LSdBbV8YTfnCWafHk="));
    }
}
