//! SRTP and SRTCP whose keys are known (RFC 3711, RFC 7714, RFC 4568).

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

use std::fmt;

use aes::cipher::{KeyIvInit as _, StreamCipher as _};
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use crate::octets::{self, u8_at, u16_at, u32_at};

/// How packets are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suite {
    /// As RFC 4568 and its successors register it.
    pub name: &'static str,
    key: usize,
    salt: usize,
    /// Octets of the tag behind an RTP packet; 0 where GCM has it inside.
    tag: usize,
}

/// Suites that are read (RFC 4568, RFC 6188, RFC 7714).
const SUITES: [Suite; 8] = [
    Suite {
        name: "AES_CM_128_HMAC_SHA1_80",
        key: 16,
        salt: 14,
        tag: 10,
    },
    Suite {
        name: "AES_CM_128_HMAC_SHA1_32",
        key: 16,
        salt: 14,
        tag: 4,
    },
    Suite {
        name: "AES_192_CM_HMAC_SHA1_80",
        key: 24,
        salt: 14,
        tag: 10,
    },
    Suite {
        name: "AES_192_CM_HMAC_SHA1_32",
        key: 24,
        salt: 14,
        tag: 4,
    },
    Suite {
        name: "AES_256_CM_HMAC_SHA1_80",
        key: 32,
        salt: 14,
        tag: 10,
    },
    Suite {
        name: "AES_256_CM_HMAC_SHA1_32",
        key: 32,
        salt: 14,
        tag: 4,
    },
    Suite {
        name: "AEAD_AES_128_GCM",
        key: 16,
        salt: 12,
        tag: 0,
    },
    Suite {
        name: "AEAD_AES_256_GCM",
        key: 32,
        salt: 12,
        tag: 0,
    },
];

/// The tag that SRTCP has with every suite of HMAC-SHA1 (RFC 4568, 6.2).
const RTCP_TAG: usize = 10;
/// The tag of GCM (RFC 7714).
const GCM_TAG: usize = 16;

impl Suite {
    /// The suite of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        SUITES
            .into_iter()
            .find(|own| own.name.eq_ignore_ascii_case(name))
    }

    /// The suite of a DTLS protection profile (RFC 5764, 4.1.2; RFC 7714, 14.2).
    #[must_use]
    pub fn of_profile(profile: u16) -> Option<Self> {
        Self::of_name(match profile {
            1 => "AES_CM_128_HMAC_SHA1_80",
            2 => "AES_CM_128_HMAC_SHA1_32",
            7 => "AEAD_AES_128_GCM",
            8 => "AEAD_AES_256_GCM",
            _ => return None,
        })
    }

    /// Octets of its master key and of its master salt.
    #[must_use]
    pub const fn lengths(self) -> (usize, usize) {
        (self.key, self.salt)
    }

    const fn is_gcm(self) -> bool {
        self.tag == 0
    }
}

/// A master key and its salt.
#[derive(Clone, PartialEq, Eq)]
pub struct Master {
    suite: Suite,
    key: Box<[u8]>,
    salt: Box<[u8]>,
    /// Octets of a key identifier in each packet.
    identifier: usize,
}

// Keys must not reach a log by way of `{:?}`.
impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Master({}, ..)", self.suite.name)
    }
}

impl Master {
    /// A key and a salt of the lengths that the suite has.
    #[must_use]
    pub fn new(suite: Suite, key: &[u8], salt: &[u8]) -> Option<Self> {
        (key.len() == suite.key && salt.len() == suite.salt).then(|| Self {
            suite,
            key: key.into(),
            salt: salt.into(),
            identifier: 0,
        })
    }

    /// The first key of `a=crypto` (RFC 4568, 6.1): `inline:` key and salt, then
    /// perhaps a lifetime and the length of an identifier.
    #[must_use]
    pub fn of_sdes(suite: &str, parameters: &[u8]) -> Option<Self> {
        let suite = Suite::of_name(suite)?;
        let first = parameters.split(|octet| *octet == b';').next()?;
        let mut parts = first
            .strip_prefix(b"inline:")?
            .split(|octet| *octet == b'|');
        let mut encoded = parts.next()?.trim_ascii_end();
        while let Some(unpadded) = encoded.strip_suffix(b"=") {
            encoded = unpadded;
        }
        let decoded = data_encoding::BASE64_NOPAD.decode(encoded).ok()?;
        let (key, salt) = decoded.split_at_checked(suite.key)?;
        let mut master = Self::new(suite, key, salt)?;
        for part in parts {
            // An identifier and its length; a lifetime has no colon.
            let mut halves = part.splitn(2, |octet| *octet == b':');
            if let (Some(_), Some(length)) = (halves.next(), halves.next()) {
                let length = octets::decimal(length.trim_ascii())?;
                master.identifier = usize::try_from(length).ok().filter(|own| *own <= 128)?;
            }
        }
        Some(master)
    }

    /// The suite.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }
}

/// Session keys of RTP, or of RTCP (RFC 3711, 4.3).
struct SessionKeys {
    key: Box<[u8]>,
    salt: [u8; 14],
    authentication: Box<[u8]>,
}

impl SessionKeys {
    fn derive(master: &Master, first_label: u8) -> Self {
        let make = |label: u8, length: usize| {
            let label = first_label.wrapping_add(label);
            let mut iv = [0_u8; 16];
            for (octet, salt) in iv.iter_mut().zip(&*master.salt) {
                *octet = *salt;
            }
            if let Some(octet) = iv.get_mut(7) {
                *octet ^= label;
            }
            let mut made = vec![0_u8; length];
            counter_mode(&master.key, &iv, &mut made);
            made
        };
        let mut salt = [0_u8; 14];
        for (octet, made) in salt.iter_mut().zip(make(2, master.suite.salt)) {
            *octet = made;
        }
        Self {
            key: make(0, master.suite.key).into(),
            salt,
            authentication: make(1, 20).into(),
        }
    }

    /// RFC 3711, 4.1.1.
    fn counter_iv(&self, ssrc: u32, index: u64) -> [u8; 16] {
        let mut iv = [0_u8; 16];
        for (octet, salt) in iv.iter_mut().zip(self.salt) {
            *octet = salt;
        }
        let mut mix = |from: usize, value: &[u8]| {
            for (octet, own) in iv.iter_mut().skip(from).zip(value) {
                *octet ^= own;
            }
        };
        mix(4, &ssrc.to_be_bytes());
        mix(6, &index.to_be_bytes());
        iv
    }

    fn tag(&self, parts: &[&[u8]]) -> [u8; 20] {
        // A key of any length is taken.
        let Ok(mut mac) = <Hmac<Sha1> as hmac::Mac>::new_from_slice(&self.authentication) else {
            return [0; 20];
        };
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn open_gcm(&self, nonce: [u8; 12], sealed: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
        let payload = Payload { msg: sealed, aad };
        match self.key.len() {
            16 => (Aes128Gcm::new_from_slice(&self.key).ok()?)
                .decrypt(&nonce.into(), payload)
                .ok(),
            _ => (Aes256Gcm::new_from_slice(&self.key).ok()?)
                .decrypt(&nonce.into(), payload)
                .ok(),
        }
    }

    /// RFC 7714, 8.1 and 9.1: two zeros, the source, the index, over the salt.
    fn gcm_nonce(&self, ssrc: u32, index: u64) -> [u8; 12] {
        let mut nonce = [0_u8; 12];
        let [_, _, index @ ..] = index.to_be_bytes();
        let parts = ssrc.to_be_bytes().into_iter().chain(index);
        for (octet, own) in nonce.iter_mut().skip(2).zip(parts) {
            *octet = own;
        }
        for (octet, salt) in nonce.iter_mut().zip(self.salt) {
            *octet ^= salt;
        }
        nonce
    }
}

fn counter_mode(key: &[u8], iv: &[u8; 16], data: &mut [u8]) {
    macro_rules! apply {
        ($cipher:ty) => {
            if let Ok(mut cipher) = ctr::Ctr128BE::<$cipher>::new_from_slices(key, iv) {
                cipher.apply_keystream(data);
            }
        };
    }
    match key.len() {
        16 => apply!(aes::Aes128),
        24 => apply!(aes::Aes192),
        _ => apply!(aes::Aes256),
    }
}

/// Opens what one source sends.
pub struct Context {
    suite: Suite,
    identifier: usize,
    rtp: SessionKeys,
    rtcp: SessionKeys,
    /// How often the sequence number began anew, and its highest value.
    roll_over: u32,
    highest: Option<u16>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({})", self.suite.name)
    }
}

impl Context {
    /// What opens packets under a master key.
    #[must_use]
    pub fn new(master: &Master) -> Self {
        Self {
            suite: master.suite,
            identifier: master.identifier,
            rtp: SessionKeys::derive(master, 0),
            rtcp: SessionKeys::derive(master, 3),
            roll_over: 0,
            highest: None,
        }
    }

    /// The suite.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The payload of an RTP packet, where its tag is right. `header` is where the
    /// payload begins.
    pub fn open_rtp(&mut self, packet: &[u8], header: usize) -> Option<Vec<u8>> {
        let sequence = u16_at(packet, 2)?;
        let ssrc = u32_at(packet, 8)?;
        let roll_over = self.roll_over_of(sequence);
        let index = u64::from(roll_over) << 16 | u64::from(sequence);
        let (head, rest) = packet.split_at_checked(header)?;
        let trailer = self.identifier.checked_add(self.suite.tag)?;
        let end = rest.len().checked_sub(trailer)?;
        let (sealed, trailer) = rest.split_at_checked(end)?;
        let opened = if self.suite.is_gcm() {
            let nonce = self.rtp.gcm_nonce(ssrc, index);
            self.rtp.open_gcm(nonce, sealed, head)?
        } else {
            let tag = self.rtp.tag(&[head, sealed, &roll_over.to_be_bytes()]);
            let said = octets::from(trailer, self.identifier);
            if said.is_empty() || !tag.starts_with(said) {
                return None;
            }
            let mut payload = sealed.to_vec();
            counter_mode(
                &self.rtp.key,
                &self.rtp.counter_iv(ssrc, index),
                &mut payload,
            );
            payload
        };
        self.met(sequence, roll_over);
        Some(opened)
    }

    /// An RTCP packet as it was before it was protected, where its tag is right.
    #[must_use]
    pub fn open_rtcp(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let ssrc = u32_at(packet, 4)?;
        let (head, _) = packet.split_at_checked(8)?;
        if self.suite.is_gcm() {
            let end = packet.len().checked_sub(self.identifier.checked_add(4)?)?;
            let word = u32_at(packet, end)?;
            let body = packet.get(8..end)?;
            let nonce = self.rtcp.gcm_nonce(ssrc, u64::from(word & 0x7fff_ffff));
            if word >> 31 == 0 {
                // Nothing but the tag is added.
                let plain = body.len().checked_sub(GCM_TAG)?;
                let (plain, tag) = body.split_at_checked(plain)?;
                let aad = [head, plain, &word.to_be_bytes()].concat();
                self.rtcp.open_gcm(nonce, tag, &aad)?;
                return Some([head, plain].concat());
            }
            let aad = [head, &word.to_be_bytes()].concat();
            let opened = self.rtcp.open_gcm(nonce, body, &aad)?;
            return Some([head, &opened].concat());
        }
        let trailer = self.identifier.checked_add(RTCP_TAG)?;
        let end = packet.len().checked_sub(trailer)?;
        let (signed, trailer) = packet.split_at_checked(end)?;
        let said = octets::from(trailer, self.identifier);
        if !self.rtcp.tag(&[signed]).starts_with(said) || said.is_empty() {
            return None;
        }
        let body_end = end.checked_sub(4)?;
        let word = u32_at(packet, body_end)?;
        let mut body = packet.get(8..body_end)?.to_vec();
        if word >> 31 == 1 {
            let iv = self.rtcp.counter_iv(ssrc, u64::from(word & 0x7fff_ffff));
            counter_mode(&self.rtcp.key, &iv, &mut body);
        }
        Some([head, &body].concat())
    }

    /// How often the sequence number has begun anew before this packet (RFC 3711,
    /// 3.3.1).
    fn roll_over_of(&self, sequence: u16) -> u32 {
        let Some(highest) = self.highest else {
            return self.roll_over;
        };
        let ahead = i32::from(sequence).saturating_sub(i32::from(highest));
        if ahead > 0x8000 {
            self.roll_over.saturating_sub(1)
        } else if ahead < -0x8000 {
            self.roll_over.saturating_add(1)
        } else {
            self.roll_over
        }
    }

    fn met(&mut self, sequence: u16, roll_over: u32) {
        let is_newer = roll_over > self.roll_over
            || (roll_over == self.roll_over && self.highest.is_none_or(|own| sequence > own));
        if is_newer {
            self.roll_over = roll_over;
            self.highest = Some(sequence);
        }
    }
}

/// Where the payload of an RTP packet begins (RFC 3550, 5.1).
#[must_use]
pub fn header_length(packet: &[u8]) -> Option<usize> {
    let first = u8_at(packet, 0)?;
    let fixed = 12_usize.checked_add(usize::from(first & 0x0f).checked_mul(4)?)?;
    if first & 0x10 == 0 {
        return Some(fixed);
    }
    let words = usize::from(u16_at(packet, fixed.checked_add(2)?)?);
    fixed.checked_add(4)?.checked_add(words.checked_mul(4)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXUPPER
            .decode(text.as_bytes())
            .expect("hexadecimal")
    }

    fn master(suite: &str) -> Master {
        let suite = Suite::of_name(suite).expect("a suite");
        let key = hex("E1F97A0D3E018BE0D64FA32C06DE4139");
        let salt = hex("0EC675AD498AFEEBB6960B3AABE6");
        let (key_length, salt_length) = suite.lengths();
        let key = [&key[..], &key].concat();
        Master::new(suite, &key[..key_length], &salt[..salt_length]).expect("a master")
    }

    #[test]
    fn keys_are_derived_as_rfc_3711_shows() {
        // RFC 3711, B.3.
        let keys = SessionKeys::derive(&master("AES_CM_128_HMAC_SHA1_80"), 0);
        assert_eq!(&*keys.key, hex("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(keys.salt[..], hex("30CBBC08863D8C85D49DB34A9AE1"));
        assert_eq!(
            &*keys.authentication,
            hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4")
        );
    }

    #[test]
    fn the_key_stream_is_that_of_rfc_3711() {
        // RFC 3711, B.2.
        let mut stream = [0; 32];
        let iv: [u8; 16] = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000")
            .try_into()
            .expect("16");
        counter_mode(&hex("2B7E151628AED2A6ABF7158809CF4F3C"), &iv, &mut stream);
        let expected = "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB";
        assert_eq!(stream[..], hex(expected));
    }

    #[test]
    fn gcm_opens_what_rfc_7714_shows() {
        // RFC 7714, 16.1.1: the session key and salt as they stand there.
        let keys = SessionKeys {
            key: hex("000102030405060708090A0B0C0D0E0F").into(),
            salt: hex("517569642070726F2071756F0000").try_into().expect("14"),
            authentication: Box::default(),
        };
        let packet = hex(
            "8040F17B8041F8D35501A0B2F24DE3A3FB34DE6CACBA861C9D7E4BCABE633BD50D294E6F\
             42A5F47A51C7D19B36DE3ADF8833899D7F27BEB16A9152CF765EE4390CCE",
        );
        let nonce = keys.gcm_nonce(0x5501_a0b2, 0xf17b);
        assert_eq!(nonce[..], hex("51753C6580C2726F20718414"));
        let opened = keys.open_gcm(nonce, &packet[12..], &packet[..12]);
        assert_eq!(
            opened.as_deref(),
            Some(&b"Gallia est omnis divisa in partes tres"[..])
        );
    }

    /// A packet that this context's keys protect.
    fn sealed(context: &Context, sequence: u16, roll_over: u32, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, 0];
        packet.extend(sequence.to_be_bytes());
        packet.extend([0, 0, 0, 160, 1, 2, 3, 4]);
        let index = u64::from(roll_over) << 16 | u64::from(sequence);
        let mut body = payload.to_vec();
        let iv = context.rtp.counter_iv(0x0102_0304, index);
        counter_mode(&context.rtp.key, &iv, &mut body);
        packet.extend(body);
        let tag = context.rtp.tag(&[&packet, &roll_over.to_be_bytes()]);
        packet.extend(&tag[..context.suite.tag]);
        packet
    }

    #[test]
    fn the_sequence_number_may_begin_anew() {
        for suite in ["AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_32"] {
            let mut context = Context::new(&master(suite));
            for (sequence, roll_over) in [(65_534, 0), (1, 1), (65_535, 0), (2, 1), (30_000, 1)] {
                let packet = sealed(&context, sequence, roll_over, b"sound");
                let opened = context.open_rtp(&packet, 12);
                assert_eq!(opened.as_deref(), Some(&b"sound"[..]), "{sequence}");
                let mut changed = packet.clone();
                changed[13] ^= 1;
                assert_eq!(context.open_rtp(&changed, 12), None);
            }
            let packet = sealed(&context, 30_001, 1, b"sound");
            for cut in 0..packet.len() {
                assert_eq!(context.open_rtp(&packet[..cut], 12), None, "{cut}");
            }
        }
    }

    #[test]
    fn m056_another_key_and_another_count_open_nothing() {
        for suite in ["AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_32"] {
            let right = Context::new(&master(suite));
            let mut other = master(suite);
            if let Some(octet) = other.key.first_mut() {
                *octet ^= 1;
            }
            let mut wrong = Context::new(&other);
            let mut fresh = Context::new(&master(suite));
            for sequence in 100..110 {
                let packet = sealed(&right, sequence, 0, b"sound");
                assert_eq!(wrong.open_rtp(&packet, 12), None, "{suite}");
                // The count of a sender that began long ago, and whose beginning was not
                // captured, is neither 0 nor near it.
                let packet = sealed(&right, sequence, 7, b"sound");
                assert_eq!(fresh.open_rtp(&packet, 12), None, "{suite}");
            }
        }
    }

    #[test]
    fn keys_of_descriptions_are_read() {
        let key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
        let check = |suite: &str, parameters: &str, expected: Option<usize>| {
            let master = Master::of_sdes(suite, parameters.as_bytes());
            assert_eq!(master.map(|own| own.identifier), expected, "{parameters}");
        };
        check("AES_CM_128_HMAC_SHA1_80", &format!("inline:{key}"), Some(0));
        check(
            "AES_CM_128_HMAC_SHA1_32",
            &format!("inline:{key}|2^20|1:4"),
            Some(4),
        );
        check(
            "aes_cm_128_hmac_sha1_32",
            &format!("inline:{key}|2^20"),
            Some(0),
        );
        check(
            "AES_CM_128_HMAC_SHA1_80",
            &format!("inline:{key}|1:999"),
            None,
        );
        check("AES_CM_128_HMAC_SHA1_80", "inline:AAAA", None);
        check("AES_256_CM_HMAC_SHA1_80", &format!("inline:{key}"), None);
        check("F8_128_HMAC_SHA1_80", &format!("inline:{key}"), None);
        check("AES_CM_128_HMAC_SHA1_80", "uri:x", None);
        assert_eq!(
            format!("{:?}", master("AEAD_AES_128_GCM")),
            "Master(AEAD_AES_128_GCM, ..)"
        );
    }
}
