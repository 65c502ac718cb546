//! Secrets of sessions, as programs write them down (NSS key log; RFC 9850).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use memchr::memchr;

use crate::octets;

/// Sessions whose secrets are kept; a week of a busy server.
const MAX_SESSIONS: usize = 1 << 18;
/// Keys of SRTP that are kept; each is tried for each stream.
const MAX_SRTP: usize = 32;
/// The longest secret: as long as the longest hash.
const MAX_SECRET: usize = 64;

/// The secrets of many sessions, by the random octets that each client began with.
#[derive(Clone, Default)]
pub struct KeyLog {
    sessions: HashMap<[u8; 32], Arc<SessionSecrets>, RandomState>,
    /// Suites and keys of SRTP, as `a=crypto` writes them.
    srtp: Vec<(String, Box<[u8]>)>,
    /// Lines that are none of a key log.
    pub unread: u64,
    /// Sessions and keys for which there was no room.
    pub dropped: u64,
}

/// The secrets of one session.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SessionSecrets {
    /// Of TLS 1.2 and DTLS 1.2: the master secret.
    pub master: Option<Box<[u8]>>,
    /// Of TLS 1.3: what the client protects its handshake with.
    pub client_handshake: Option<Box<[u8]>>,
    /// What the server protects its handshake with.
    pub server_handshake: Option<Box<[u8]>>,
    /// What the client protects its data with at first.
    pub client_traffic: Option<Box<[u8]>>,
    /// What the server protects its data with at first.
    pub server_traffic: Option<Box<[u8]>>,
}

// Keys must not reach a log by way of `{:?}`.
impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyLog({} sessions)", self.sessions.len())
    }
}

impl fmt::Debug for SessionSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecrets(..)")
    }
}

impl KeyLog {
    /// Whether it knows no secret.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.srtp.is_empty()
    }

    /// Suites and keys of SRTP that belong to no session: lines such as `SRTP
    /// AES_CM_128_HMAC_SHA1_80 inline:...`, an extension of ours.
    #[must_use]
    pub fn srtp(&self) -> &[(String, Box<[u8]>)] {
        &self.srtp
    }

    /// How many sessions it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// The secrets of the session that a client began with these octets.
    #[must_use]
    pub fn session(&self, client_random: &[u8; 32]) -> Option<&Arc<SessionSecrets>> {
        self.sessions.get(client_random)
    }

    /// Reads the lines of a key log; what is no such line is counted.
    pub fn add(&mut self, mut text: &[u8]) {
        while !text.is_empty() {
            let end = memchr(b'\n', text).unwrap_or(text.len());
            let line = octets::span(text, 0, end).trim_ascii();
            text = octets::from(text, end.saturating_add(1));
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            if self.line(line).is_none() {
                self.unread = self.unread.saturating_add(1);
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Option<()> {
        let mut words = line.split(u8::is_ascii_whitespace);
        let (label, random, secret) = (words.next()?, words.next()?, words.next()?);
        if label == b"SRTP" {
            let suite = octets::text(random);
            if self.srtp.len() < MAX_SRTP {
                self.srtp.push((suite, secret.into()));
            } else {
                self.dropped = self.dropped.saturating_add(1);
            }
            return Some(());
        }
        let random: [u8; 32] = hexadecimal(random)?.try_into().ok()?;
        let secret = hexadecimal(secret).filter(|secret| secret.len() <= MAX_SECRET)?;
        let place: fn(&mut SessionSecrets) -> &mut Option<Box<[u8]>> = match label {
            b"CLIENT_RANDOM" => |own| &mut own.master,
            b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => |own| &mut own.client_handshake,
            b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => |own| &mut own.server_handshake,
            b"CLIENT_TRAFFIC_SECRET_0" => |own| &mut own.client_traffic,
            b"SERVER_TRAFFIC_SECRET_0" => |own| &mut own.server_traffic,
            // Known, and of no use here.
            b"CLIENT_EARLY_TRAFFIC_SECRET" | b"EARLY_EXPORTER_SECRET" | b"EXPORTER_SECRET" => {
                return Some(());
            }
            _ => return None,
        };
        if self.sessions.len() >= MAX_SESSIONS && !self.sessions.contains_key(&random) {
            self.dropped = self.dropped.saturating_add(1);
            return Some(());
        }
        let session = Arc::make_mut(self.sessions.entry(random).or_default());
        *place(session) = Some(secret.into());
        Some(())
    }
}

fn hexadecimal(text: &[u8]) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_secrets_and_others_are_counted() {
        let random = "11".repeat(32);
        let text = format!(
            "# a comment\n\nCLIENT_RANDOM {random} aabb\r\nEXPORTER_SECRET {random} CC\n\
             CLIENT_RANDOM {random}\nCLIENT_RANDOM 11 aa\nRSA 11 22\nCLIENT_RANDOM {random} {}\n\
             SERVER_TRAFFIC_SECRET_0 {random} 01",
            "00".repeat(65)
        );
        let mut log = KeyLog::default();
        log.add(text.as_bytes());
        assert_eq!((log.len(), log.unread), (1, 4));
        let session = log.session(&[0x11; 32]).expect("a session");
        assert_eq!(session.master.as_deref(), Some(&[0xaa, 0xbb][..]));
        assert_eq!(session.server_traffic.as_deref(), Some(&[1][..]));
        assert!(log.session(&[0x12; 32]).is_none());
        assert_eq!(
            format!("{log:?} {session:?}"),
            "KeyLog(1 sessions) SessionSecrets(..)"
        );
    }
}
