//! What TLS shows (RFC 8446, RFC 5246): without its keys the hellos, alerts, and how
//! many records stay closed; with them all that was said.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod certificate;
mod derive;
mod dtls;
mod keylog;
mod opener;

pub use certificate::Certificate;
pub use dtls::{Digests, DtlsTap, Hello, SrtpKeys};
pub use keylog::{KeyLog, SessionSecrets};
pub use opener::{Closed, Session};

use opener::Opener;

use tls_parser::{
    TlsCertificateContents, TlsExtension, TlsMessage, TlsMessageHandshake, TlsVersion,
    parse_tls_extensions, parse_tls_message_handshake,
};

use crate::octets::{self, u8_at, u16_at};

/// Octets of handshake that are waited for in one direction.
const MAX_HANDSHAKE: usize = 64 * 1024;
/// Octets of records that wait for the other side's hello.
const MAX_HELD: usize = 64 * 1024;
/// Records that wait for it, however short.
const MAX_HELD_RECORDS: usize = 256;
/// The random octets of a server that asks for another hello (RFC 8446, 4.1.3).
const HELLO_RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What one direction of a TLS stream has shown.
#[derive(Debug, Default)]
pub struct TlsTap {
    pending: Vec<u8>,
    /// Octets of a record that are passed over.
    skip: usize,
    handshake: Vec<u8>,
    lost: bool,
    /// Whether it is the client's, once a hello showed.
    is_client: Option<bool>,
    /// Whether records are protected from here on.
    is_sealed: bool,
    opener: Option<Result<Opener, Closed>>,
    /// Records that wait for the other side's hello.
    held: Vec<(u8, Vec<u8>)>,
    /// What records held that could be opened, until it is taken.
    plain: Vec<u8>,
    /// What it has shown.
    pub shown: Shown,
}

/// What a direction has shown of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// From the ClientHello.
    pub client: Option<ClientHello>,
    /// The version that the server chose.
    pub version: Option<&'static str>,
    /// The protocol that the server chose, where it can be seen.
    pub alpn: Option<String>,
    /// The first certificate, where it can be seen: in TLS 1.3 only with keys.
    pub certificate: Option<Certificate>,
    /// The last alert that could be read.
    pub alert: Option<String>,
    /// Records whose content can't be read.
    pub closed_records: u64,
    /// Records that were protected and could be opened.
    pub opened_records: u64,
    /// Why the first of those that stay closed does.
    pub why_closed: Option<Closed>,
}

/// What a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The server's name.
    pub server_name: Option<String>,
    /// Protocols that it speaks.
    pub alpn: Vec<String>,
}

/// What is needed to open records.
pub type Keys<'k> = (&'k mut Session, &'k KeyLog);

impl TlsTap {
    /// Takes octets that follow those before. Without keys records are counted.
    pub fn push(&mut self, octets: &[u8], mut keys: Option<Keys<'_>>) {
        if self.lost {
            return;
        }
        self.pending.extend_from_slice(octets);
        let mut read = 0;
        loop {
            let passed = self.skip.min(self.pending.len().saturating_sub(read));
            read = read.saturating_add(passed);
            self.skip = self.skip.saturating_sub(passed);
            if self.skip > 0 || self.lost {
                break;
            }
            let Some(length) = self.record(read, &mut keys) else {
                break;
            };
            read = read.saturating_add(length);
        }
        self.pending.drain(..read.min(self.pending.len()));
    }

    /// Octets that are held for what is still to come.
    #[must_use]
    pub fn held(&self) -> usize {
        (self.held_octets())
            .saturating_add(self.pending.len())
            .saturating_add(self.handshake.len())
    }

    /// What records held that could be opened.
    pub fn take_plain(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.plain)
    }

    /// Octets are missing: records can't be told apart any more.
    pub fn gap(&mut self) {
        self.lost = true;
        self.pending.clear();
        self.handshake.clear();
        self.give_up_held(Closed::Gap);
        self.closed(Closed::Gap);
    }

    /// Nothing follows.
    pub fn finish(&mut self) {
        self.give_up_held(Closed::NoBeginning);
    }

    /// Takes one record, if it is there; how long it is.
    fn record(&mut self, at: usize, keys: &mut Option<Keys<'_>>) -> Option<usize> {
        let head = octets::from(&self.pending, at);
        let (kind, version, length) = (u8_at(head, 0)?, u16_at(head, 1)?, u16_at(head, 3)?);
        if !(20..=24).contains(&kind) || version >> 8 != 3 || length > 16_640 {
            self.gap();
            return None;
        }
        let length = usize::from(length);
        if kind == 23 && keys.is_none() {
            self.closed(Closed::NoKeys);
            self.skip = length;
            return Some(5);
        }
        let content = head.get(5..length.saturating_add(5))?.to_vec();
        match (kind, keys) {
            (23, Some(keys)) => self.sealed(kind, content, keys),
            (21 | 22, Some(keys)) if self.is_sealed => self.sealed(kind, content, keys),
            // In version 1.3 it means nothing (RFC 8446, 5), nor before the version is
            // known.
            (20, Some((session, _))) => {
                self.is_sealed = matches!(session.version, 0x0300..=0x0303);
            }
            (20 | 24, _) => {}
            (21, _) if length == 2 => {
                self.shown.alert = content.get(1).map(|&code| alert_name(code).to_owned());
            }
            (22, keys) if self.shown.closed_records == 0 => {
                let session = keys.as_mut().map(|(session, _)| &mut **session);
                self.handshake(&content, session);
            }
            _ => self.closed(Closed::NoKeys),
        }
        Some(length.saturating_add(5))
    }

    fn closed(&mut self, why: Closed) {
        if !self.lost || self.shown.why_closed.is_none() {
            self.shown.why_closed.get_or_insert(why);
        }
        if why != Closed::Gap {
            self.shown.closed_records = self.shown.closed_records.saturating_add(1);
        }
    }

    fn give_up_held(&mut self, why: Closed) {
        for _ in std::mem::take(&mut self.held) {
            self.closed(why);
        }
    }

    /// A record that is protected.
    fn sealed(&mut self, kind: u8, content: Vec<u8>, (session, log): &mut Keys<'_>) {
        if self.opener.is_none() {
            if session.secrets.is_none()
                && let Some(random) = &session.client_random
            {
                session.secrets = log.session(random).cloned();
            }
            let opener = match self.is_client {
                Some(is_client) => Opener::new(session, is_client),
                None => Err(Closed::NoBeginning),
            };
            if let Err(Closed::NoBeginning) = opener
                && self.is_client == Some(true)
                && self.held.len() < MAX_HELD_RECORDS
                && self.held_octets() < MAX_HELD
            {
                self.held.push((kind, content));
                return;
            }
            self.opener = Some(opener);
            for (kind, content) in std::mem::take(&mut self.held) {
                self.open(kind, &content);
            }
        }
        self.open(kind, &content);
    }

    fn held_octets(&self) -> usize {
        self.held.iter().map(|(_, record)| record.len()).sum()
    }

    fn open(&mut self, kind: u8, content: &[u8]) {
        let opened = match &mut self.opener {
            Some(Ok(opener)) => opener.open(kind, content),
            Some(Err(why)) => Err(*why),
            None => Err(Closed::NoBeginning),
        };
        let (kind, content) = match opened {
            Ok(opened) => opened,
            Err(why) => {
                self.closed(why);
                return;
            }
        };
        self.shown.opened_records = self.shown.opened_records.saturating_add(1);
        match kind {
            23 => self.plain.extend_from_slice(&content),
            22 => self.handshake(&content, None),
            21 => self.shown.alert = content.get(1).map(|&code| alert_name(code).to_owned()),
            _ => {}
        }
    }

    fn handshake(&mut self, content: &[u8], mut session: Option<&mut Session>) {
        if self.handshake.len().saturating_add(content.len()) > MAX_HANDSHAKE {
            self.handshake.clear();
            return;
        }
        self.handshake.extend_from_slice(content);
        loop {
            let (Some(kind), Some(high), Some(low)) = (
                u8_at(&self.handshake, 0),
                u8_at(&self.handshake, 1),
                u16_at(&self.handshake, 2),
            ) else {
                return;
            };
            let length = (usize::from(high) << 16) | usize::from(low);
            let end = length.saturating_add(4);
            let Some(message) = self.handshake.get(..end).map(<[u8]>::to_vec) else {
                return;
            };
            self.handshake.drain(..end);
            match &mut self.opener {
                Some(Ok(opener)) => match kind {
                    20 => opener.finished(),
                    24 => opener.updated(),
                    _ if opener.is_three() => {
                        self.shown.sealed_message(kind, octets::from(&message, 4));
                    }
                    _ => {}
                },
                _ => self.message(&message, session.as_deref_mut()),
            }
        }
    }

    fn message(&mut self, octets: &[u8], session: Option<&mut Session>) {
        let Ok((_, TlsMessage::Handshake(message))) = parse_tls_message_handshake(octets) else {
            return;
        };
        match message {
            TlsMessageHandshake::ClientHello(hello) => {
                self.is_client = Some(true);
                self.shown.client_hello(hello.ext);
                if let Some(session) = session {
                    session.begin(hello.random);
                }
            }
            TlsMessageHandshake::ServerHello(hello) => {
                self.is_client = Some(false);
                if hello.random == HELLO_RETRY {
                    return;
                }
                let version = self.shown.server_hello(hello.version, hello.ext);
                if let Some(session) = session {
                    session.answer(hello.random, hello.cipher.0, version, hello.ext);
                }
            }
            TlsMessageHandshake::Certificate(chain) => self.shown.certificate(&chain),
            _ => {}
        }
    }
}

impl Session {
    fn begin(&mut self, random: &[u8]) {
        let random = random.try_into().ok();
        // A second hello of the same session keeps its random octets.
        if self.client_random != random {
            *self = Self {
                client_random: random,
                ..Self::default()
            };
        }
    }

    fn answer(&mut self, random: &[u8], suite: u16, version: TlsVersion, ext: Option<&[u8]>) {
        self.server_random = random.try_into().ok();
        self.suite = suite;
        self.version = version.0;
        self.encrypt_then_mac = extensions(ext)
            .iter()
            .any(|own| matches!(own, TlsExtension::EncryptThenMac));
    }
}

impl Shown {
    fn client_hello(&mut self, octets: Option<&[u8]>) {
        let mut client = ClientHello::default();
        for extension in extensions(octets) {
            match extension {
                TlsExtension::SNI(names) => {
                    client.server_name = names.first().map(|(_, name)| octets::text(name));
                }
                TlsExtension::ALPN(protocols) => {
                    client.alpn = protocols
                        .iter()
                        .take(16)
                        .map(|name| octets::text(name))
                        .collect();
                }
                _ => {}
            }
        }
        self.client = Some(client);
    }

    fn server_hello(&mut self, mut version: TlsVersion, octets: Option<&[u8]>) -> TlsVersion {
        for extension in extensions(octets) {
            match extension {
                TlsExtension::SupportedVersions(versions) => {
                    version = versions.first().copied().unwrap_or(version);
                }
                TlsExtension::ALPN(protocols) => {
                    self.alpn = protocols.first().map(|name| octets::text(name));
                }
                _ => {}
            }
        }
        self.version = version_name(version);
        version
    }

    /// What version 1.3 shows only with keys: the protocol that was chosen, and
    /// the certificate.
    fn sealed_message(&mut self, kind: u8, body: &[u8]) {
        match kind {
            8 => {
                for extension in extensions(body.get(2..)) {
                    if let TlsExtension::ALPN(protocols) = extension {
                        self.alpn = protocols.first().map(|name| octets::text(name));
                    }
                }
            }
            11 => {
                // A context, then a list of certificates, each with its length.
                let at = usize::from(u8_at(body, 0).unwrap_or_default()).saturating_add(4);
                let high = usize::from(u8_at(body, at).unwrap_or_default());
                let low = usize::from(u16_at(body, at.saturating_add(1)).unwrap_or_default());
                let first = octets::span(body, at.saturating_add(3), (high << 16) | low);
                if self.certificate.is_none() {
                    self.certificate = Certificate::parse(first);
                }
            }
            _ => {}
        }
    }

    fn certificate(&mut self, chain: &TlsCertificateContents<'_>) {
        let first = chain.cert_chain.first();
        self.certificate = first.and_then(|first| Certificate::parse(first.data));
    }
}

fn extensions(octets: Option<&[u8]>) -> Vec<TlsExtension<'_>> {
    octets
        .and_then(|octets| parse_tls_extensions(octets).ok())
        .map(|(_, extensions)| extensions)
        .unwrap_or_default()
}

fn version_name(version: TlsVersion) -> Option<&'static str> {
    Some(match version.0 {
        0x0300 => "SSL 3.0",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        0x0304 => "TLS 1.3",
        0xfeff => "DTLS 1.0",
        0xfefd => "DTLS 1.2",
        0xfefc => "DTLS 1.3",
        _ => return None,
    })
}

/// RFC 8446, 6.
const fn alert_name(code: u8) -> &'static str {
    match code {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        109 => "missing_extension",
        112 => "unrecognized_name",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of this type.
    fn record(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).expect("short").to_be_bytes();
        [&[kind, 3, 3], &length[..], content].concat()
    }

    fn client_hello() -> Vec<u8> {
        let mut extensions = vec![0, 0, 0, 10, 0, 8, 0, 0, 5];
        extensions.extend(b"s.org");
        extensions.extend([0, 16, 0, 8, 0, 6, 5]);
        extensions.extend(b"sip/2");
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 1, 1, 0]);
        body.extend(
            u16::try_from(extensions.len())
                .expect("short")
                .to_be_bytes(),
        );
        body.extend(extensions);
        let length = u32::try_from(body.len()).expect("short").to_be_bytes();
        [&[1], &length[1..], &body].concat()
    }

    #[test]
    fn any_segmentation_shows_the_same() {
        let stream = [
            record(22, &client_hello()),
            record(20, &[1]),
            record(23, &[9; 300]),
            record(23, &[9; 3]),
            record(21, &[2, 40]),
        ]
        .concat();
        for size in 1..=stream.len() {
            let mut tap = TlsTap::default();
            for part in stream.chunks(size) {
                tap.push(part, None);
            }
            let client = tap.shown.client.clone().expect("a hello");
            assert_eq!(client.server_name.as_deref(), Some("s.org"), "{size}");
            assert_eq!(client.alpn, ["sip/2"], "{size}");
            assert_eq!(tap.shown.closed_records, 2, "{size}");
            assert_eq!(
                tap.shown.alert.as_deref(),
                Some("handshake_failure"),
                "{size}"
            );
        }
    }

    #[test]
    fn m033_what_is_no_record_ends_the_reading() {
        let mut tap = TlsTap::default();
        tap.push(b"\x16\x03\x01\xff\xff", None);
        tap.push(&record(22, &client_hello()), None);
        assert!(tap.shown.client.is_none() && tap.pending.is_empty());
        for cut in 0..client_hello().len() {
            let mut tap = TlsTap::default();
            tap.push(&record(22, &client_hello()[..cut]), None);
            assert!(tap.shown.client.is_none(), "{cut}");
        }
    }
}
