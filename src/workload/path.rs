//! Ways of media that are found before they are used: ICE (RFC 8445), and a relay by TURN
//! (RFC 8656).

use super::stun::{self, Attribute};
use super::{IceTruth, Maker, TurnTruth, wire};
use crate::net::{Endpoint, Flow, Transport};

/// A client's way through a TURN server.
#[derive(Clone, Debug)]
pub(super) struct Relay {
    /// Where the client sends from.
    client: Endpoint,
    server: Endpoint,
    /// What the server gave it.
    pub(super) relayed: Endpoint,
    /// Data go in this channel, or in indications.
    channel: Option<u16>,
}

/// The user, and the key of its password.
const USER: &[u8] = b"made";
const KEY: &[u8] = b"0123456789abcdef";
const MS: u64 = 1_000_000;

fn udp(src: Endpoint, dst: Endpoint) -> Flow {
    Flow {
        src,
        dst,
        transport: Transport::Udp,
    }
}

impl Relay {
    /// Gets an address: asks, is challenged, asks again. Hands back when it has it.
    pub(super) fn allocate(
        maker: &mut Maker,
        call_id: &str,
        client: Endpoint,
        at: u64,
    ) -> (Self, u64) {
        let server = maker.endpoint(false, 3478);
        let relayed = Endpoint::new(server.ip, maker.media_port());
        let channel = maker.rng.bool().then(|| maker.rng.u16(0x4000..0x4fff));
        let own = Self {
            client,
            server,
            relayed,
            channel,
        };
        let udp_wanted = (stun::REQUESTED_TRANSPORT, vec![17, 0, 0, 0]);
        let first = own.ask(
            maker,
            at,
            stun::ALLOCATE,
            std::slice::from_ref(&udp_wanted),
            None,
        );
        let challenge = [
            (stun::ERROR_CODE, vec![0, 0, 4, 1]),
            (stun::REALM, b"made.example".to_vec()),
            (stun::NONCE, b"nonce".to_vec()),
        ];
        let kind = stun::ALLOCATE | stun::ERROR;
        own.answer(maker, at + 10 * MS, kind, first, &challenge, None);
        let at = at + 20 * MS;
        let second = own.ask(maker, at, stun::ALLOCATE, &[udp_wanted], Some(KEY));
        let granted = [
            (stun::RELAYED, stun::xored(relayed)),
            (stun::MAPPED, stun::xored(client)),
            (stun::LIFETIME, 600_u32.to_be_bytes().to_vec()),
        ];
        let kind = stun::ALLOCATE | stun::SUCCESS;
        own.answer(maker, at + 10 * MS, kind, second, &granted, Some(KEY));
        let truth = TurnTruth {
            relayed: relayed.to_string(),
            has_channel: channel.is_some(),
            state: "active".to_owned(),
            packets: [0; 2],
        };
        maker.truth.turns.insert(call_id.to_owned(), truth);
        (own, at + 11 * MS)
    }

    /// Lets a peer send, and binds the channel to it.
    pub(super) fn permit(&self, maker: &mut Maker, peer: Endpoint, at: u64) {
        let peer = (stun::PEER, stun::xored(peer));
        let (method, asked) = match self.channel {
            Some(channel) => {
                let [high, low] = channel.to_be_bytes();
                let number = (stun::CHANNEL_NUMBER, vec![high, low, 0, 0]);
                (stun::CHANNEL_BIND, vec![number, peer])
            }
            None => (stun::CREATE_PERMISSION, vec![peer]),
        };
        let transaction = self.ask(maker, at, method, &asked, Some(KEY));
        let kind = method | stun::SUCCESS;
        self.answer(maker, at + 2 * MS, kind, transaction, &[], Some(KEY));
    }

    /// Gives the address back.
    pub(super) fn release(&self, maker: &mut Maker, call_id: &str, at: u64) {
        let nothing = (stun::LIFETIME, vec![0; 4]);
        let asked = std::slice::from_ref(&nothing);
        let transaction = self.ask(maker, at, stun::REFRESH, asked, Some(KEY));
        let kind = stun::REFRESH | stun::SUCCESS;
        self.answer(maker, at + MS, kind, transaction, asked, Some(KEY));
        if let Some(truth) = maker.truth.turns.get_mut(call_id) {
            "released".clone_into(&mut truth.state);
        }
    }

    /// A packet between the client and a peer, as it passes the client.
    pub(super) fn around(&self, maker: &mut Maker, flow: Flow, payload: &[u8]) -> Vec<u8> {
        let is_sent = flow.src == self.relayed;
        let (peer, way) = match is_sent {
            true => (flow.dst, udp(self.client, self.server)),
            false => (flow.src, udp(self.server, self.client)),
        };
        let carried = match self.channel {
            Some(channel) => {
                let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
                [&channel.to_be_bytes()[..], &length.to_be_bytes(), payload].concat()
            }
            None => {
                let kind = if is_sent { stun::SEND } else { stun::DATA };
                let attributes = [
                    (stun::PEER, stun::xored(peer)),
                    (stun::PAYLOAD, payload.to_vec()),
                ];
                stun::message(kind, maker.transaction(), &attributes, None)
            }
        };
        let identification = maker.identification();
        wire::udp(way, identification, &carried)
    }

    fn ask(
        &self,
        maker: &mut Maker,
        at: u64,
        method: u16,
        attributes: &[Attribute],
        key: Option<&[u8]>,
    ) -> [u8; 12] {
        let transaction = maker.transaction();
        let mut attributes = attributes.to_vec();
        if key.is_some() {
            attributes.extend([
                (stun::USERNAME, USER.to_vec()),
                (stun::REALM, b"made.example".to_vec()),
                (stun::NONCE, b"nonce".to_vec()),
            ]);
        }
        let octets = stun::message(method, transaction, &attributes, key);
        maker.datagram(at, udp(self.client, self.server), &octets);
        transaction
    }

    fn answer(
        &self,
        maker: &mut Maker,
        at: u64,
        kind: u16,
        transaction: [u8; 12],
        attributes: &[Attribute],
        key: Option<&[u8]>,
    ) {
        let octets = stun::message(kind, transaction, attributes, key);
        maker.datagram(at, udp(self.server, self.client), &octets);
    }
}

/// What an agent of ICE is known by.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub(super) fragment: String,
    pub(super) password: String,
    /// Its best candidate, where media are to go in the end.
    pub(super) host: Endpoint,
    /// Its other one, which stands in its description as the default.
    pub(super) other: Endpoint,
}

impl Agent {
    /// Lines of its description (RFC 8839, 5).
    pub(super) fn lines(&self) -> String {
        let Endpoint { ip, port } = self.host;
        format!(
            "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=rtcp-mux\r\n\
             a=candidate:1 1 UDP 2130706431 {ip} {port} typ host\r\n\
             a=candidate:2 1 UDP 2130706175 {} {} typ host\r\n",
            self.fragment, self.password, self.other.ip, self.other.port
        )
    }
}

/// Both agents check their best pair, and the caller nominates it; now and then one is
/// lost and sent again. Hands back when it is selected.
pub(super) fn check(maker: &mut Maker, call_id: &str, agents: &[Agent; 2], at: u64) -> u64 {
    let [caller, callee] = agents;
    let mut truth = IceTruth {
        selected: [caller.host.to_string(), callee.host.to_string()],
        ..IceTruth::default()
    };
    let mut when = at;
    for (asks, asked, nominates, place) in [
        (caller, callee, false, 0),
        (callee, caller, false, 1),
        (caller, callee, true, 0),
    ] {
        let role = match place {
            0 => (stun::CONTROLLING, 9_u64.to_be_bytes().to_vec()),
            _ => (stun::CONTROLLED, 5_u64.to_be_bytes().to_vec()),
        };
        let user = format!("{}:{}", asked.fragment, asks.fragment);
        let mut attributes = vec![
            (stun::USERNAME, user.into_bytes()),
            (stun::PRIORITY, 1_862_270_975_u32.to_be_bytes().to_vec()),
            role,
        ];
        if nominates {
            attributes.push((stun::USE_CANDIDATE, Vec::new()));
        }
        let transaction = maker.transaction();
        let password = asked.password.as_bytes();
        let request = stun::message(stun::BINDING, transaction, &attributes, Some(password));
        let way = udp(asks.host, asked.host);
        maker.datagram(when, way, &request);
        let is_lost = maker.rng.u8(0..4) == 0;
        // One at most, so that media begin before a call is held.
        if is_lost && truth.retransmissions == [0, 0] {
            when += 500 * MS;
            maker.datagram(when, way, &request);
            truth.retransmissions[place] += 1;
        }
        truth.checks[place] += 1;
        let mapped = [(stun::MAPPED, stun::xored(asks.host))];
        let kind = stun::BINDING | stun::SUCCESS;
        let answer = stun::message(kind, transaction, &mapped, Some(password));
        maker.datagram(when + 4 * MS, way.reversed(), &answer);
        when += 20 * MS;
    }
    maker.truth.ice.insert(call_id.to_owned(), truth);
    when
}
