//! What TLS shows without its keys (RFC 8446, RFC 5246): the hellos, alerts,
//! and how many records stay closed.

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
mod dtls;

pub use certificate::Certificate;
pub use dtls::DtlsTap;

use tls_parser::{
    TlsCertificateContents, TlsExtension, TlsMessage, TlsMessageHandshake, TlsVersion,
    parse_tls_extensions, parse_tls_message_handshake,
};

use crate::octets::{self, u8_at, u16_at};

/// Octets of handshake that are waited for in one direction.
const MAX_HANDSHAKE: usize = 64 * 1024;

/// What one direction of a TLS stream has shown.
#[derive(Clone, Debug, Default)]
pub struct TlsTap {
    pending: Vec<u8>,
    /// Octets of a record that are passed over.
    skip: usize,
    handshake: Vec<u8>,
    lost: bool,
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
    /// The first certificate, where it can be seen: not in TLS 1.3.
    pub certificate: Option<Certificate>,
    /// The last alert that could be read.
    pub alert: Option<String>,
    /// Records whose content can't be read.
    pub closed_records: u64,
}

/// What a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The server's name.
    pub server_name: Option<String>,
    /// Protocols that it speaks.
    pub alpn: Vec<String>,
}

impl TlsTap {
    /// Takes octets that follow those before.
    pub fn push(&mut self, octets: &[u8]) {
        if self.lost {
            return;
        }
        self.pending.extend_from_slice(octets);
        loop {
            let passed = self.skip.min(self.pending.len());
            self.pending.drain(..passed);
            self.skip = self.skip.saturating_sub(passed);
            if self.skip > 0 || !self.record() {
                return;
            }
        }
    }

    /// Octets are missing: records can't be told apart any more.
    pub fn gap(&mut self) {
        self.lost = true;
        self.pending.clear();
        self.handshake.clear();
    }

    /// Takes one record off, if it is there.
    fn record(&mut self) -> bool {
        let (Some(kind), Some(version), Some(length)) = (
            u8_at(&self.pending, 0),
            u16_at(&self.pending, 1),
            u16_at(&self.pending, 3),
        ) else {
            return false;
        };
        if !(20..=24).contains(&kind) || version >> 8 != 3 || length > 16_640 {
            self.gap();
            return false;
        }
        let length = usize::from(length);
        if kind == 23 {
            self.shown.closed_records = self.shown.closed_records.saturating_add(1);
            self.pending.drain(..5_usize.min(self.pending.len()));
            self.skip = length;
            return true;
        }
        let end = length.saturating_add(5);
        let Some(content) = self.pending.get(5..end).map(<[u8]>::to_vec) else {
            return false;
        };
        self.pending.drain(..end);
        match kind {
            21 if length == 2 => {
                self.shown.alert = content.get(1).map(|&code| alert_name(code).to_owned());
            }
            22 if self.shown.closed_records == 0 => self.handshake(&content),
            20 | 24 => {}
            _ => self.shown.closed_records = self.shown.closed_records.saturating_add(1),
        }
        true
    }

    fn handshake(&mut self, content: &[u8]) {
        if self.handshake.len().saturating_add(content.len()) > MAX_HANDSHAKE {
            self.handshake.clear();
            return;
        }
        self.handshake.extend_from_slice(content);
        loop {
            let (Some(_), Some(high), Some(low)) = (
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
            self.message(&message);
        }
    }

    fn message(&mut self, octets: &[u8]) {
        let Ok((_, TlsMessage::Handshake(message))) = parse_tls_message_handshake(octets) else {
            return;
        };
        match message {
            TlsMessageHandshake::ClientHello(hello) => self.shown.client_hello(hello.ext),
            TlsMessageHandshake::ServerHello(hello) => {
                self.shown.server_hello(hello.version, hello.ext);
            }
            TlsMessageHandshake::Certificate(chain) => self.shown.certificate(&chain),
            _ => {}
        }
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

    fn server_hello(&mut self, mut version: TlsVersion, octets: Option<&[u8]>) {
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
                tap.push(part);
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
        tap.push(b"\x16\x03\x01\xff\xff");
        tap.push(&record(22, &client_hello()));
        assert!(tap.shown.client.is_none() && tap.pending.is_empty());
        for cut in 0..client_hello().len() {
            let mut tap = TlsTap::default();
            tap.push(&record(22, &client_hello()[..cut]));
            assert!(tap.shown.client.is_none(), "{cut}");
        }
    }
}
