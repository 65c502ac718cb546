//! What stands between SIP and TCP: TLS 1.3 (RFC 8446) with its secrets told, and
//! WebSockets (RFC 6455). Written for itself, so that it owes nothing to what reads it.

use std::fmt::Write as _;

use aes_gcm::aead::Aead as _;
use aes_gcm::aead::Payload;
use aes_gcm::{Aes128Gcm, KeyInit as _};
use fastrand::Rng;
use hmac::{Hmac, Mac as _};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::net::Transport;

/// Both directions of one connection, the client's first.
#[derive(Debug)]
pub(super) struct Carried {
    tls: Option<[Sealer; 2]>,
    is_web: bool,
}

/// What protects the records of one direction.
struct Sealer {
    key: [u8; 16],
    iv: [u8; 12],
    sequence: u64,
}

// Keys must not reach a log by way of `{:?}`, made up or not.
impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer({})", self.sequence)
    }
}

/// TLS_AES_128_GCM_SHA256.
const SUITE: [u8; 2] = [0x13, 0x01];
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;
/// The most octets of one record here; TLS allows 16 Ki.
const MAX_RECORD: usize = 2000;

/// Octets, and which end sent them: 0 is the client.
pub(super) type Flight = (usize, Vec<u8>);

impl Carried {
    /// How such a connection opens, and the secrets that it leaves in `keys`.
    pub(super) fn open(
        transport: Transport,
        rng: &mut Rng,
        keys: &mut String,
    ) -> (Self, Vec<Flight>) {
        let is_web = matches!(transport, Transport::Ws | Transport::Wss);
        let is_secret = matches!(transport, Transport::Tls | Transport::Wss);
        let mut flights = Vec::new();
        let tls = is_secret.then(|| handshake(rng, keys, &mut flights));
        let mut own = Self { tls, is_web };
        if is_web {
            let [asked, answered] = upgrade(rng);
            flights.push((0, own.protect(rng, 0, &asked)));
            flights.push((1, own.protect(rng, 1, &answered)));
        }
        (own, flights)
    }

    /// A message of SIP as it goes over TCP.
    pub(super) fn carry(&mut self, rng: &mut Rng, end: usize, message: &[u8]) -> Vec<u8> {
        let framed = match self.is_web {
            true => frames(rng, end == 0, message),
            false => message.to_vec(),
        };
        self.protect(rng, end, &framed)
    }

    fn protect(&mut self, rng: &mut Rng, end: usize, octets: &[u8]) -> Vec<u8> {
        let Some(sealer) = self.tls.as_mut().and_then(|tls| tls.get_mut(end)) else {
            return octets.to_vec();
        };
        let mut records = Vec::new();
        let mut rest = octets;
        while !rest.is_empty() {
            // Records end where they like, in the middle of a message too.
            let (part, after) = rest.split_at(rng.usize(1..=MAX_RECORD).min(rest.len()));
            records.extend(sealer.seal(DATA, part, rng.usize(0..8)));
            rest = after;
        }
        records
    }
}

impl Sealer {
    fn new(secret: &[u8]) -> Self {
        let (mut key, mut iv) = ([0; 16], [0; 12]);
        key.copy_from_slice(&expand(secret, "key", 16));
        iv.copy_from_slice(&expand(secret, "iv", 12));
        Self {
            key,
            iv,
            sequence: 0,
        }
    }

    /// A record (RFC 8446, 5.2): content, its type, and zeros to hide its length.
    fn seal(&mut self, kind: u8, content: &[u8], padding: usize) -> Vec<u8> {
        let inner = [content, &[kind], &vec![0; padding]].concat();
        let length = u16::try_from(inner.len() + 16).unwrap_or(u16::MAX);
        let head = [&[DATA, 3, 3][..], &length.to_be_bytes()].concat();
        let mut nonce = self.iv;
        for (own, number) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *own ^= number;
        }
        self.sequence += 1;
        let payload = Payload {
            msg: &inner,
            aad: &head,
        };
        // Neither is so long that it could fail.
        let sealed = Aes128Gcm::new(&self.key.into())
            .encrypt(&nonce.into(), payload)
            .unwrap_or_default();
        [head, sealed].concat()
    }
}

/// HKDF-Expand-Label (RFC 8446, 7.1) for what fits one round.
fn expand(secret: &[u8], label: &str, length: u8) -> Vec<u8> {
    let label = format!("tls13 {label}");
    let size = u8::try_from(label.len()).unwrap_or_default();
    let info = [&[0, length, size][..], label.as_bytes(), &[0, 1]].concat();
    let mut made = mac(secret, &info);
    made.truncate(usize::from(length));
    made
}

fn mac(key: &[u8], octets: &[u8]) -> Vec<u8> {
    // A key of any length is taken.
    <Hmac<Sha256> as hmac::Mac>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(octets);
            mac.finalize().into_bytes().to_vec()
        },
    )
}

/// The hellos, and the ends of both handshakes under keys of their own.
fn handshake(rng: &mut Rng, keys: &mut String, flights: &mut Vec<Flight>) -> [Sealer; 2] {
    let mut random = || -> [u8; 32] { std::array::from_fn(|_| rng.u8(..)) };
    let (client, server) = (random(), random());
    let [of_client, of_server] = [random(), random()].map(|own| (own, expand_pair(&own)));
    let names = [
        ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", &of_client.1.0),
        ("SERVER_HANDSHAKE_TRAFFIC_SECRET", &of_server.1.0),
        ("CLIENT_TRAFFIC_SECRET_0", &of_client.1.1),
        ("SERVER_TRAFFIC_SECRET_0", &of_server.1.1),
    ];
    let hex = |octets: &[u8]| data_encoding::HEXLOWER.encode(octets);
    for (name, secret) in names {
        let _ = writeln!(keys, "{name} {} {}", hex(&client), hex(secret));
    }
    let versions = |octets: &[u8]| {
        let length = u8::try_from(octets.len()).unwrap_or_default();
        [&[0, length + 4, 0, 43, 0, length], octets].concat()
    };
    let share = [&[0, 51, 0, 36, 0, 29, 0, 32][..], &server].concat();
    let client_hello = [
        &[3, 3][..],
        &client,
        &[0, 0, 2, SUITE[0], SUITE[1], 1, 0],
        &versions(&[2, 3, 4]),
    ]
    .concat();
    let extensions = [&[0, 43, 0, 2, 3, 4][..], &share].concat();
    let length = u8::try_from(extensions.len()).unwrap_or_default();
    let server_hello = [
        &[3, 3][..],
        &server,
        &[0, SUITE[0], SUITE[1], 0, 0, length],
        &extensions,
    ]
    .concat();
    let plain = |kind: u8, body: &[u8]| {
        let length = u8::try_from(body.len()).unwrap_or(u8::MAX);
        [
            &[HANDSHAKE, 3, 1, 0, length + 4, kind, 0, 0, length][..],
            body,
        ]
        .concat()
    };
    let finished = [&[20, 0, 0, 32][..], &[7; 32]].concat();
    let end = |secret: &[u8]| Sealer::new(secret).seal(HANDSHAKE, &finished, 0);
    flights.push((0, plain(1, &client_hello)));
    flights.push((1, plain(2, &server_hello)));
    flights.push((1, end(&of_server.1.0)));
    flights.push((0, end(&of_client.1.0)));
    [Sealer::new(&of_client.1.1), Sealer::new(&of_server.1.1)]
}

/// Two secrets of one: for the handshake, and for the data after it.
fn expand_pair(secret: &[u8]) -> (Vec<u8>, Vec<u8>) {
    (mac(secret, b"handshake"), mac(secret, b"data"))
}

/// The request that opens a WebSocket, and its answer (RFC 6455, 4; RFC 7118, 5).
fn upgrade(rng: &mut Rng) -> [Vec<u8>; 2] {
    let octets: [u8; 16] = std::array::from_fn(|_| rng.u8(..));
    let key = data_encoding::BASE64.encode(&octets);
    let digest = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let accept = data_encoding::BASE64.encode(&digest);
    let asked = format!(
        "GET /sip HTTP/1.1\r\nHost: made.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    let answered = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
    );
    [asked.into_bytes(), answered.into_bytes()]
}

/// A message in up to three frames, with a ping between them now and then.
fn frames(rng: &mut Rng, is_client: bool, message: &[u8]) -> Vec<u8> {
    let parts = rng.usize(1..=3);
    let size = message.len().div_ceil(parts).max(1);
    let count = message.chunks(size).count();
    let mut octets = Vec::new();
    for (place, part) in message.chunks(size).enumerate() {
        let kind = if place == 0 { 1 } else { 0 };
        let last = if place + 1 == count { 0x80 } else { 0 };
        octets.extend(frame(rng, is_client, last | kind, part));
        if rng.u8(0..6) == 0 {
            octets.extend(frame(rng, is_client, 0x89, b"ping"));
        }
    }
    octets
}

fn frame(rng: &mut Rng, is_client: bool, head: u8, payload: &[u8]) -> Vec<u8> {
    let masked = if is_client { 0x80 } else { 0 };
    let mut octets = match u8::try_from(payload.len()) {
        Ok(length @ 0..=125) => vec![head, masked | length],
        _ => {
            let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
            [&[head, masked | 126][..], &length.to_be_bytes()].concat()
        }
    };
    if is_client {
        let mask: [u8; 4] = std::array::from_fn(|_| rng.u8(..));
        octets.extend(mask);
        octets.extend(payload.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b));
    } else {
        octets.extend(payload);
    }
    octets
}
