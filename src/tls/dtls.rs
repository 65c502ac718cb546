//! What DTLS shows without its keys (RFC 6347), and the keys of SRTP that come of it
//! (RFC 5764).

use sha1::{Digest as _, Sha1};
use sha2::{Sha256, Sha384, Sha512};
use smallvec::SmallVec;
use tls_parser::{
    DTLSMessage, DTLSMessageHandshakeBody, TlsExtension, parse_dtls_message_handshake,
};

use super::derive::Hash;
use super::{Closed, KeyLog, MAX_HANDSHAKE, Shown, alert_name};
use crate::octets::{self, u8_at, u16_at};

/// What one direction of a DTLS association has shown.
#[derive(Clone, Debug, Default)]
pub struct DtlsTap {
    /// What it has shown.
    pub shown: Shown,
    /// Handshake messages that it has shown whole.
    pub messages: u64,
    /// What its hello says for keys.
    pub hello: Option<Hello>,
    /// Hellos that it has sent, again and with a cookie too.
    pub hellos: u64,
    /// What its certificate is known by.
    pub certificate: Option<Digests>,
    /// The message whose fragments come in, with the header of a whole one.
    whole: Vec<u8>,
    number: u16,
}

/// What a hello says for keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    random: [u8; 32],
    /// Of a server: the suite and the version that it chose.
    suite: u16,
    version: u16,
    /// Protection profiles of SRTP that it offers, or the one that it chose (RFC 5764,
    /// 4.1.1).
    pub profiles: SmallVec<[u16; 4]>,
}

/// The digests of a certificate, for the fingerprints of descriptions (RFC 8122, 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    sha1: [u8; 20],
    sha256: [u8; 32],
    sha384: [u8; 48],
    sha512: [u8; 64],
}

impl Digests {
    /// Of the DER of a certificate.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        Self {
            sha1: Sha1::digest(der).into(),
            sha256: Sha256::digest(der).into(),
            sha384: Sha384::digest(der).into(),
            sha512: Sha512::digest(der).into(),
        }
    }

    /// Whether a fingerprint such as `sha-256 4A:AD:...` is that of the certificate; `None`
    /// where its hash is none of these, or it can't be read.
    #[must_use]
    pub fn fit(&self, fingerprint: &str) -> Option<bool> {
        let (hash, digits) = fingerprint.trim().split_once(' ')?;
        let digest: &[u8] = match hash.to_ascii_lowercase().as_str() {
            "sha-1" => &self.sha1,
            "sha-256" => &self.sha256,
            "sha-384" => &self.sha384,
            "sha-512" => &self.sha512,
            _ => return None,
        };
        let digits: String = digits.trim().split(':').collect();
        let told = data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes());
        told.ok().map(|told| told == digest)
    }
}

/// The most profiles that are kept of one hello.
const MAX_PROFILES: usize = 16;

/// Keys of SRTP that DTLS agreed on.
#[derive(Clone, PartialEq, Eq)]
pub struct SrtpKeys {
    /// The protection profile (RFC 5764, 4.1.2).
    pub profile: u16,
    material: Vec<u8>,
}

// Keys must not reach a log by way of `{:?}`.
impl std::fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SrtpKeys(profile {})", self.profile)
    }
}

impl Hello {
    /// The profile of SRTP that a server chose, if any; `None` where it tells only under
    /// protection, as DTLS 1.3 does (RFC 9147).
    #[must_use]
    pub fn chosen(&self) -> Option<Option<u16>> {
        matches!(self.version, DTLS_1_0 | DTLS_1_2).then(|| self.profiles.first().copied())
    }
}

const DTLS_1_0: u16 = 0xfeff;
const DTLS_1_2: u16 = 0xfefd;

impl SrtpKeys {
    /// What both hellos and the session's master secret give; DTLS 1.2 alone (RFC
    /// 5764, 4.2).
    #[must_use]
    pub fn of(client: &Hello, server: &Hello, log: &KeyLog) -> Option<Self> {
        let profile = *server.profiles.first()?;
        let master = log.session(&client.random)?.master.as_ref()?;
        if server.version != DTLS_1_2 {
            return None;
        }
        let hash = match tls_parser::TlsCipherSuite::from_id(server.suite)?.prf {
            tls_parser::TlsPRF::Sha384 => Hash::Sha384,
            _ => Hash::Sha256,
        };
        let seed = [client.random, server.random].concat();
        let material = hash.prf(master, b"EXTRACTOR-dtls_srtp", &seed, 128);
        Some(Self { profile, material })
    }

    /// The key and the salt of the client or of the server, by their lengths.
    #[must_use]
    pub fn of_side(&self, is_client: bool, (key, salt): (usize, usize)) -> (&[u8], &[u8]) {
        let own = usize::from(!is_client);
        let salts = key.saturating_mul(2);
        (
            octets::span(&self.material, own.saturating_mul(key), key),
            octets::span(
                &self.material,
                salts.saturating_add(own.saturating_mul(salt)),
                salt,
            ),
        )
    }
}

/// The profiles in `use_srtp` (RFC 5764, 4.1.1).
fn profiles(extensions: &[TlsExtension<'_>]) -> SmallVec<[u16; 4]> {
    let list = extensions.iter().find_map(|own| match own {
        TlsExtension::Unknown(kind, data) if kind.0 == 14 => {
            let length = u16_at(data, 0)?;
            Some(octets::span(data, 2, usize::from(length)))
        }
        _ => None,
    });
    let pairs = list.unwrap_or_default().chunks_exact(2);
    pairs
        .filter_map(|pair| u16_at(pair, 0))
        .take(MAX_PROFILES)
        .collect()
}

/// Octets before the body of a handshake message.
const HEADER: usize = 12;

fn u24_at(octets: &[u8], at: usize) -> Option<usize> {
    let high = usize::from(u8_at(octets, at)?);
    Some(high << 16 | usize::from(u16_at(octets, at.checked_add(1)?)?))
}

impl DtlsTap {
    /// Takes a datagram; its records are read as far as they hold.
    pub fn datagram(&mut self, mut octets: &[u8]) {
        while let (Some(kind), Some(epoch), Some(length)) =
            (u8_at(octets, 0), u16_at(octets, 3), u16_at(octets, 11))
        {
            let content = octets::span(octets, 13, usize::from(length));
            match (kind, epoch) {
                (22, 0) => self.handshake(content),
                (21, 0) => {
                    self.shown.alert = u8_at(content, 1).map(|code| alert_name(code).to_owned());
                }
                (20..=25, 1..) => {
                    self.shown.why_closed = Some(Closed::Dtls);
                    self.shown.closed_records = self.shown.closed_records.saturating_add(1);
                }
                _ => {}
            }
            octets = octets::from(octets, usize::from(length).saturating_add(13));
        }
    }

    fn handshake(&mut self, mut octets: &[u8]) {
        while let (Some(length), Some(number), Some(offset), Some(part)) = (
            u24_at(octets, 1),
            u16_at(octets, 4),
            u24_at(octets, 6),
            u24_at(octets, 9),
        ) {
            let body = octets::span(octets, HEADER, part);
            if offset == 0 && length <= MAX_HANDSHAKE {
                self.number = number;
                // The header of a message in one piece.
                self.whole = octets::span(octets, 0, HEADER).to_vec();
                let whole = octets::span(octets, 1, 3).to_vec();
                self.whole.splice(9.., whole);
            }
            let held = self.whole.len().saturating_sub(HEADER);
            if number == self.number && offset == held && !self.whole.is_empty() {
                self.whole.extend_from_slice(body);
                if self.whole.len().saturating_sub(HEADER) >= length {
                    let whole = std::mem::take(&mut self.whole);
                    self.message(&whole);
                }
            }
            octets = octets::from(octets, part.saturating_add(HEADER));
        }
    }

    fn message(&mut self, octets: &[u8]) {
        let Ok((_, DTLSMessage::Handshake(message))) = parse_dtls_message_handshake(octets) else {
            return;
        };
        self.messages = self.messages.saturating_add(1);
        match message.body {
            DTLSMessageHandshakeBody::ClientHello(hello) => {
                self.shown.client_hello(hello.ext);
                self.hellos = self.hellos.saturating_add(1);
                self.hello = hello.random.try_into().ok().map(|random| Hello {
                    random,
                    suite: 0,
                    version: 0,
                    profiles: profiles(&super::extensions(hello.ext)),
                });
            }
            DTLSMessageHandshakeBody::ServerHello(hello) => {
                let version = self.shown.server_hello(hello.version, hello.ext);
                self.hello = hello.random.try_into().ok().map(|random| Hello {
                    random,
                    suite: hello.cipher.0,
                    version: version.0,
                    profiles: profiles(&super::extensions(hello.ext)),
                });
            }
            DTLSMessageHandshakeBody::Certificate(chain) => {
                self.shown.certificate(&chain);
                let own = chain.cert_chain.first();
                self.certificate = own.map(|own| Digests::of(own.data));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_fits_one_certificate() {
        // Of `abc`, as FIPS 180 shows them.
        let shown = Digests::of(b"abc");
        let check = |told: &str, expected| assert_eq!(shown.fit(told), expected, "{told}");
        let sha1 = "A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D";
        check(&format!("sha-1 {sha1}"), Some(true));
        check(&format!("SHA-1 {}", sha1.to_lowercase()), Some(true));
        check(&format!("sha-256 {sha1}"), Some(false));
        check(&format!("sha-1 {}", sha1.replace("9D", "9E")), Some(false));
        check(
            "sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:\
             B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD",
            Some(true),
        );
        check(&format!("md5 {sha1}"), None);
        check("sha-1 A9:9", None);
        check("sha-1", None);
        check("", None);
    }
}
