//! Records of a session whose secrets are known (RFC 5246, 6.2.3; RFC 8446, 5.2).

use std::sync::Arc;

use aes::cipher::{BlockDecryptMut as _, KeyIvInit as _, block_padding::NoPadding};
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use tls_parser::{TlsCipherEnc, TlsCipherEncMode, TlsCipherMac, TlsCipherSuite, TlsPRF};

use super::derive::Hash;
use super::keylog::SessionSecrets;
use crate::octets;

const TLS_1_2: u16 = 0x0303;
const TLS_1_3: u16 = 0x0304;

/// Why a record stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Closed {
    /// Nobody gave secrets.
    NoKeys,
    /// Not those of this connection.
    OtherKeys,
    /// How the session began was not captured.
    NoBeginning,
    /// Octets of the stream are missing.
    Gap,
    /// Versions before 1.2 are not opened.
    Version,
    /// Ciphers that are not read.
    Cipher,
    /// What DTLS carries itself.
    Dtls,
    /// The tag does not fit: the record was changed, or the keys are others.
    Tag,
}

impl Closed {
    /// The reason in words.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoKeys => "no keys were given",
            Self::OtherKeys => "the keys of this connection are not among those given",
            Self::NoBeginning => "the handshake was not captured",
            Self::Gap => "octets of the stream are missing",
            Self::Version => "versions before 1.2 are not decrypted",
            Self::Cipher => "the cipher suite is not one that is decrypted",
            Self::Dtls => "of DTLS only the media that it keys are decrypted",
            Self::Tag => "the authentication failed",
        }
    }
}

/// What both directions of a session agreed on.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// What the client began with.
    pub client_random: Option<[u8; 32]>,
    /// What the server began with.
    pub server_random: Option<[u8; 32]>,
    /// The cipher suite.
    pub suite: u16,
    /// The version.
    pub version: u16,
    /// Whether MACs are made over what is encrypted (RFC 7366).
    pub encrypt_then_mac: bool,
    /// The secrets, once they are looked up.
    pub secrets: Option<Arc<SessionSecrets>>,
}

enum Seal {
    Aes128(Box<Aes128Gcm>),
    Aes256(Box<Aes256Gcm>),
    ChaCha(Box<ChaCha20Poly1305>),
    Cbc {
        key: Box<[u8]>,
        mac_key: Box<[u8]>,
        mac: TlsCipherMac,
        encrypt_then_mac: bool,
    },
}

/// Keys of one direction, with the number of the record that is next.
struct Keys {
    seal: Seal,
    /// 12 octets, or the 4 that every nonce of GCM begins with in version 1.2.
    iv: Box<[u8]>,
    is_three: bool,
    sequence: u64,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys(record {})", self.sequence)
    }
}

/// Opens the records of one direction, one after the other.
pub(super) struct Opener {
    keys: Keys,
    hash: Hash,
    /// Of version 1.3: what the keys came from.
    secret: Box<[u8]>,
    /// Of version 1.3, while the handshake lasts: what comes after it.
    traffic: Option<Box<[u8]>>,
    suite: &'static TlsCipherSuite,
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opener({:?})", self.keys)
    }
}

impl Opener {
    /// What opens the records of the client or of the server.
    pub(super) fn new(session: &Session, of_client: bool) -> Result<Self, Closed> {
        let (Some(client_random), Some(server_random)) =
            (session.client_random, session.server_random)
        else {
            return Err(Closed::NoBeginning);
        };
        let secrets = session.secrets.as_deref().ok_or(Closed::OtherKeys)?;
        let suite = TlsCipherSuite::from_id(session.suite).ok_or(Closed::Cipher)?;
        let hash = match suite.prf {
            TlsPRF::Sha384 => Hash::Sha384,
            _ => Hash::Sha256,
        };
        match session.version {
            TLS_1_3 => {
                let (handshake, traffic) = match of_client {
                    true => (&secrets.client_handshake, &secrets.client_traffic),
                    false => (&secrets.server_handshake, &secrets.server_traffic),
                };
                let (first, traffic) = match (handshake, traffic) {
                    (Some(handshake), traffic) => (handshake, traffic.clone()),
                    (None, Some(traffic)) => (traffic, None),
                    (None, None) => return Err(Closed::OtherKeys),
                };
                Ok(Self {
                    keys: keys_of_three(suite, hash, first)?,
                    hash,
                    secret: first.clone(),
                    traffic,
                    suite,
                })
            }
            TLS_1_2 => {
                let master = secrets.master.as_ref().ok_or(Closed::OtherKeys)?;
                let seed = [server_random, client_random].concat();
                let block = hash.prf(master, b"key expansion", &seed, 256);
                Ok(Self {
                    keys: keys_of_two(suite, &block, of_client, session.encrypt_then_mac)?,
                    hash,
                    secret: Box::default(),
                    traffic: None,
                    suite,
                })
            }
            _ => Err(Closed::Version),
        }
    }

    /// What a record holds: its type and its content.
    pub(super) fn open(&mut self, kind: u8, record: &[u8]) -> Result<(u8, Vec<u8>), Closed> {
        let opened = self.keys.open(kind, record);
        if let (Err(Closed::Tag), Some(traffic)) = (&opened, &self.traffic) {
            // The end of the handshake was not seen: data have their own keys.
            let traffic = traffic.clone();
            let mut keys = keys_of_three(self.suite, self.hash, &traffic)?;
            let retried = keys.open(kind, record);
            if retried.is_ok() {
                self.keys = keys;
                self.secret = traffic;
                self.traffic = None;
            }
            return retried;
        }
        opened
    }

    /// The sender finished its handshake: data have keys of their own.
    pub(super) fn finished(&mut self) {
        if let Some(traffic) = self.traffic.take() {
            self.rekey(traffic);
        }
    }

    /// The sender updated its keys (RFC 8446, 4.6.3).
    pub(super) fn updated(&mut self) {
        if self.keys.is_three {
            let next = self.hash.next_secret(&self.secret).into();
            self.rekey(next);
        }
    }

    fn rekey(&mut self, secret: Box<[u8]>) {
        if let Ok(keys) = keys_of_three(self.suite, self.hash, &secret) {
            self.keys = keys;
            self.secret = secret;
        }
    }

    pub(super) const fn is_three(&self) -> bool {
        self.keys.is_three
    }
}

/// Octets of a key. The table of suites has half of what ChaCha20 takes.
fn key_length(suite: &TlsCipherSuite) -> usize {
    match suite.enc {
        TlsCipherEnc::Chacha20_Poly1305 => 32,
        _ => usize::from(suite.enc_size).wrapping_div(8),
    }
}

fn aead(suite: &TlsCipherSuite, key: &[u8]) -> Result<Seal, Closed> {
    let wrong = |_| Closed::Cipher;
    match (&suite.enc, &suite.enc_mode, suite.enc_size) {
        (TlsCipherEnc::Aes, TlsCipherEncMode::Gcm, 128) => Aes128Gcm::new_from_slice(key)
            .map(|own| Seal::Aes128(Box::new(own)))
            .map_err(wrong),
        (TlsCipherEnc::Aes, TlsCipherEncMode::Gcm, 256) => Aes256Gcm::new_from_slice(key)
            .map(|own| Seal::Aes256(Box::new(own)))
            .map_err(wrong),
        (TlsCipherEnc::Chacha20_Poly1305, _, _) => ChaCha20Poly1305::new_from_slice(key)
            .map(|own| Seal::ChaCha(Box::new(own)))
            .map_err(wrong),
        _ => Err(Closed::Cipher),
    }
}

/// RFC 8446, 7.3.
fn keys_of_three(suite: &TlsCipherSuite, hash: Hash, secret: &[u8]) -> Result<Keys, Closed> {
    let length = u8::try_from(key_length(suite)).unwrap_or_default();
    let key = hash.expand(secret, "key", &[], length);
    Ok(Keys {
        seal: aead(suite, &key)?,
        iv: hash.expand(secret, "iv", &[], 12).into(),
        is_three: true,
        sequence: 0,
    })
}

/// RFC 5246, 6.3: MAC keys, keys and IVs, the client's before the server's.
fn keys_of_two(
    suite: &TlsCipherSuite,
    block: &[u8],
    of_client: bool,
    encrypt_then_mac: bool,
) -> Result<Keys, Closed> {
    let key = key_length(suite);
    let is_cbc = matches!(suite.enc_mode, TlsCipherEncMode::Cbc);
    let mac = if is_cbc { mac_length(&suite.mac) } else { 0 };
    let iv = match (&suite.enc, is_cbc) {
        (_, true) => 0,
        (TlsCipherEnc::Chacha20_Poly1305, _) => 12,
        _ => 4,
    };
    let own = usize::from(!of_client);
    let part = |before: usize, length: usize| {
        octets::span(
            block,
            before.saturating_add(own.saturating_mul(length)),
            length,
        )
    };
    let keys_at = mac.saturating_mul(2);
    let ivs_at = keys_at.saturating_add(key.saturating_mul(2));
    let own_key = part(keys_at, key);
    let seal = if is_cbc {
        if !matches!(suite.enc, TlsCipherEnc::Aes) || mac == 0 {
            return Err(Closed::Cipher);
        }
        Seal::Cbc {
            key: own_key.into(),
            mac_key: part(0, mac).into(),
            mac: suite.mac,
            encrypt_then_mac,
        }
    } else {
        aead(suite, own_key)?
    };
    Ok(Keys {
        seal,
        iv: part(ivs_at, iv).into(),
        is_three: false,
        sequence: 0,
    })
}

const fn mac_length(mac: &TlsCipherMac) -> usize {
    match mac {
        TlsCipherMac::HmacSha1 => 20,
        TlsCipherMac::HmacSha256 => 32,
        TlsCipherMac::HmacSha384 => 48,
        _ => 0,
    }
}

impl Keys {
    fn open(&mut self, kind: u8, record: &[u8]) -> Result<(u8, Vec<u8>), Closed> {
        let opened = self.content(kind, record)?;
        self.sequence = self.sequence.saturating_add(1);
        if !self.is_three {
            return Ok((kind, opened));
        }
        // The type stands behind the content, padding behind it.
        let end = opened
            .iter()
            .rposition(|octet| *octet != 0)
            .ok_or(Closed::Tag)?;
        let kind = opened.get(end).copied().unwrap_or_default();
        let mut opened = opened;
        opened.truncate(end);
        Ok((kind, opened))
    }

    fn content(&self, kind: u8, record: &[u8]) -> Result<Vec<u8>, Closed> {
        let sequence = self.sequence.to_be_bytes();
        if let Seal::Cbc {
            key,
            mac_key,
            mac,
            encrypt_then_mac,
        } = &self.seal
        {
            let head = [&sequence[..], &[kind, 3, 3]].concat();
            return open_cbc(key, mac, mac_key, *encrypt_then_mac, &head, record);
        }
        let explicit = usize::from(self.iv.len() == 4).wrapping_mul(8);
        let sealed = record.get(explicit..).ok_or(Closed::Tag)?;
        let nonce: [u8; 12] = if explicit > 0 {
            let nonce = [&self.iv[..], octets::span(record, 0, 8)].concat();
            nonce.try_into().map_err(|_| Closed::Tag)?
        } else {
            let mut nonce: [u8; 12] = (&*self.iv).try_into().map_err(|_| Closed::Tag)?;
            for (octet, number) in nonce.iter_mut().skip(4).zip(sequence) {
                *octet ^= number;
            }
            nonce
        };
        let length = |octets: usize| u16::try_from(octets).unwrap_or(u16::MAX).to_be_bytes();
        let head = match self.is_three {
            true => [&[23, 3, 3][..], &length(record.len())].concat(),
            false => {
                let plain = sealed.len().checked_sub(16).ok_or(Closed::Tag)?;
                [&sequence[..], &[kind, 3, 3], &length(plain)].concat()
            }
        };
        let payload = Payload {
            msg: sealed,
            aad: &head,
        };
        let nonce = (&nonce).into();
        match &self.seal {
            Seal::Aes128(own) => own.decrypt(nonce, payload),
            Seal::Aes256(own) => own.decrypt(nonce, payload),
            Seal::ChaCha(own) => own.decrypt(nonce, payload),
            Seal::Cbc { .. } => return Err(Closed::Cipher),
        }
        .map_err(|_| Closed::Tag)
    }
}

/// RFC 5246, 6.2.3.2, and RFC 7366: an IV, then whole blocks, a MAC inside or
/// behind them.
fn open_cbc(
    key: &[u8],
    mac: &TlsCipherMac,
    mac_key: &[u8],
    encrypt_then_mac: bool,
    head: &[u8],
    record: &[u8],
) -> Result<Vec<u8>, Closed> {
    let tag_length = mac_length(mac);
    let length = |octets: &[u8]| {
        u16::try_from(octets.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes()
    };
    let mut body = record;
    if encrypt_then_mac {
        let end = record.len().checked_sub(tag_length).ok_or(Closed::Tag)?;
        let (sealed, tag) = record.split_at_checked(end).ok_or(Closed::Tag)?;
        if !verify(mac, mac_key, &[head, &length(sealed), sealed], tag) {
            return Err(Closed::Tag);
        }
        body = sealed;
    }
    let (iv, blocks) = body.split_at_checked(16).ok_or(Closed::Tag)?;
    let mut plain = blocks.to_vec();
    let opened = match key.len() {
        16 => cbc::Decryptor::<aes::Aes128>::new_from_slices(key, iv)
            .ok()
            .and_then(|own| {
                own.decrypt_padded_mut::<NoPadding>(&mut plain)
                    .ok()
                    .map(<[u8]>::len)
            }),
        _ => cbc::Decryptor::<aes::Aes256>::new_from_slices(key, iv)
            .ok()
            .and_then(|own| {
                own.decrypt_padded_mut::<NoPadding>(&mut plain)
                    .ok()
                    .map(<[u8]>::len)
            }),
    };
    opened.ok_or(Closed::Tag)?;
    let padding = usize::from(*plain.last().ok_or(Closed::Tag)?);
    let end = plain
        .len()
        .checked_sub(padding)
        .and_then(|end| end.checked_sub(1));
    let end = end.ok_or(Closed::Tag)?;
    plain.truncate(end);
    if !encrypt_then_mac {
        let end = plain.len().checked_sub(tag_length).ok_or(Closed::Tag)?;
        let tag = plain.split_off(end);
        if !verify(mac, mac_key, &[head, &length(&plain), &plain], &tag) {
            return Err(Closed::Tag);
        }
    }
    Ok(plain)
}

fn verify(mac: &TlsCipherMac, key: &[u8], parts: &[&[u8]], tag: &[u8]) -> bool {
    macro_rules! verify {
        ($hash:ty) => {{
            let Ok(mut mac) = <Hmac<$hash> as hmac::Mac>::new_from_slice(key) else {
                return false;
            };
            for part in parts {
                mac.update(part);
            }
            mac.verify_slice(tag).is_ok()
        }};
    }
    match mac {
        TlsCipherMac::HmacSha1 => verify!(Sha1),
        TlsCipherMac::HmacSha256 => verify!(Sha256),
        TlsCipherMac::HmacSha384 => verify!(Sha384),
        _ => false,
    }
}
