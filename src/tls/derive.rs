//! Keys out of secrets: the PRF of TLS 1.2 (RFC 5246, 5) and the expansion of TLS
//! 1.3 (RFC 8446, 7.1).

use hmac::{Hmac, Mac as _};
use sha2::{Sha256, Sha384};

/// The hash that a cipher suite derives with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
}

impl Hash {
    const fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    fn mac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        macro_rules! mac {
            ($hash:ty) => {{
                // A key of any length is taken.
                let Ok(mut mac) = Hmac::<$hash>::new_from_slice(key) else {
                    return Vec::new();
                };
                for part in parts {
                    mac.update(part);
                }
                mac.finalize().into_bytes().to_vec()
            }};
        }
        match self {
            Self::Sha256 => mac!(Sha256),
            Self::Sha384 => mac!(Sha384),
        }
    }

    /// `length` octets of RFC 5246, 5.
    pub(super) fn prf(self, secret: &[u8], label: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
        let seed = [label, seed].concat();
        let mut a = self.mac(secret, &[&seed]);
        let mut made = Vec::with_capacity(length.saturating_add(64));
        while made.len() < length {
            made.extend(self.mac(secret, &[&a, &seed]));
            a = self.mac(secret, &[&a]);
        }
        made.truncate(length);
        made
    }

    /// HKDF-Expand-Label (RFC 8446, 7.1).
    pub(super) fn expand(self, secret: &[u8], label: &str, context: &[u8], length: u8) -> Vec<u8> {
        let label = [b"tls13 ", label.as_bytes()].concat();
        let short = |octets: &[u8]| u8::try_from(octets.len()).unwrap_or(u8::MAX);
        let info = [
            &[0, length, short(&label)][..],
            &label,
            &[short(context)],
            context,
        ]
        .concat();
        let mut made = Vec::new();
        let mut last = Vec::new();
        for number in 1..=u8::MAX {
            if made.len() >= usize::from(length) {
                break;
            }
            last = self.mac(secret, &[&last, &info, &[number]]);
            made.extend_from_slice(&last);
        }
        made.truncate(usize::from(length));
        made
    }

    /// What follows a secret after a key update (RFC 8446, 7.2).
    pub(super) fn next_secret(self, secret: &[u8]) -> Vec<u8> {
        let length = u8::try_from(self.length()).unwrap_or_default();
        self.expand(secret, "traffic upd", &[], length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER
            .decode(text.as_bytes())
            .expect("hexadecimal")
    }

    #[test]
    fn the_prf_gives_what_is_published() {
        // The vector for SHA-256 that the working group published.
        let secret = hex("9bbe436ba940f017b17652849a71db35");
        let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
        let made = Hash::Sha256.prf(&secret, b"test label", &seed, 20);
        assert_eq!(made, hex("e3f229ba727be17b8d122620557cd453c2aab21d"));
        assert_eq!(Hash::Sha384.prf(&secret, b"x", &seed, 100).len(), 100);
    }

    #[test]
    fn the_expansion_gives_what_rfc_8448_shows() {
        // RFC 8448, 3: the server's handshake traffic secret, its key and IV.
        let secret = hex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
        let key = Hash::Sha256.expand(&secret, "key", &[], 16);
        let iv = Hash::Sha256.expand(&secret, "iv", &[], 12);
        assert_eq!(key, hex("3fce516009c21727d0f2e4e86ee403bc"));
        assert_eq!(iv, hex("5d313eb2671276ee13000b30"));
    }
}
