//! What DTLS shows without its keys (RFC 6347).

use tls_parser::{DTLSMessage, DTLSMessageHandshakeBody, parse_dtls_message_handshake};

use super::{MAX_HANDSHAKE, Shown, alert_name};
use crate::octets::{self, u8_at, u16_at};

/// What one direction of a DTLS association has shown.
#[derive(Clone, Debug, Default)]
pub struct DtlsTap {
    /// What it has shown.
    pub shown: Shown,
    /// Handshake messages that it has shown whole.
    pub messages: u64,
    /// The message whose fragments come in, with the header of a whole one.
    whole: Vec<u8>,
    number: u16,
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
            DTLSMessageHandshakeBody::ClientHello(hello) => self.shown.client_hello(hello.ext),
            DTLSMessageHandshakeBody::ServerHello(hello) => {
                let _ = self.shown.server_hello(hello.version, hello.ext);
            }
            DTLSMessageHandshakeBody::Certificate(chain) => self.shown.certificate(&chain),
            _ => {}
        }
    }
}
