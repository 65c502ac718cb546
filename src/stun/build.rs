//! Writing STUN messages: strict, on stun-types. What RFC 5780 adds is written as
//! plain attributes.

use std::net::{IpAddr, SocketAddr};

use stun_types::attribute::{AttributeType, ErrorCode, RawAttribute, Software, XorMappedAddress};
use stun_types::message::{
    BINDING, Message, MessageClass, MessageType, MessageWrite as _, MessageWriteExt as _,
    MessageWriteVec, TransactionId,
};

use crate::net::Endpoint;

const MAPPED_ADDRESS: u16 = 0x0001;
const CHANGE_REQUEST: u16 = 0x0003;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const PADDING: u16 = 0x0026;
const RESPONSE_PORT: u16 = 0x0027;
const RESPONSE_ORIGIN: u16 = 0x802b;
const OTHER_ADDRESS: u16 = 0x802c;

/// The transaction of a message: 96 bits that nobody guesses (RFC 8489, 5).
pub type Transaction = [u8; 12];

/// A transaction that nobody guesses.
#[must_use]
pub fn random_transaction() -> Transaction {
    octets_of(TransactionId::generate())
}

fn octets_of(id: TransactionId) -> Transaction {
    let octets = u128::from(id).to_be_bytes();
    octets.last_chunk().copied().unwrap_or_default()
}

fn id_of(transaction: Transaction) -> TransactionId {
    let mut octets = [0; 16];
    octets[4..].copy_from_slice(&transaction);
    TransactionId::from(u128::from_be_bytes(octets))
}

/// What a Binding request asks for beside the address (RFC 5780, 7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The answer from another address, and from another port.
    pub change: Option<(bool, bool)>,
    /// The answer to another port of whoever asks.
    pub response_port: Option<u16>,
    /// So many octets that stand for nothing.
    pub padding: Option<u16>,
}

/// A Binding request (RFC 8489, 6.1), with FINGERPRINT.
#[must_use]
pub fn binding_request(transaction: Transaction, wanted: Wanted) -> Vec<u8> {
    let kind = MessageType::from_class_method(MessageClass::Request, BINDING);
    let mut message = Message::builder(kind, id_of(transaction), MessageWriteVec::new());
    if let Some((ip, port)) = wanted.change {
        let flags = u8::from(ip) << 2 | u8::from(port) << 1;
        add(&mut message, CHANGE_REQUEST, &[0, 0, 0, flags]);
    }
    if let Some(port) = wanted.response_port {
        let [high, low] = port.to_be_bytes();
        add(&mut message, RESPONSE_PORT, &[high, low, 0, 0]);
    }
    if let Some(length) = wanted.padding {
        add(&mut message, PADDING, &vec![0; usize::from(length)]);
    }
    finished(message)
}

/// What a server tells in answer to a Binding request.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Where the request came from.
    pub mapped: Endpoint,
    /// Where the answer comes from (RFC 5780, 7.3).
    pub origin: Option<Endpoint>,
    /// The server's other address and port (RFC 5780, 7.4).
    pub other: Option<Endpoint>,
    /// The server's name.
    pub software: &'a str,
    /// So many octets that stand for nothing.
    pub padding: Option<u16>,
}

/// The answer to a Binding request.
#[must_use]
pub fn binding_success(transaction: Transaction, told: &Told<'_>) -> Vec<u8> {
    let kind = MessageType::from_class_method(MessageClass::Success, BINDING);
    let id = id_of(transaction);
    let mut message = Message::builder(kind, id, MessageWriteVec::new());
    let address = SocketAddr::new(told.mapped.ip, told.mapped.port);
    // A fresh message holds none of these yet, so none is refused.
    let _ = message.add_attribute(&XorMappedAddress::new(address, id));
    add(&mut message, MAPPED_ADDRESS, &plain(told.mapped));
    if let Some(origin) = told.origin {
        add(&mut message, RESPONSE_ORIGIN, &plain(origin));
    }
    if let Some(other) = told.other {
        add(&mut message, OTHER_ADDRESS, &plain(other));
    }
    if let Some(length) = told.padding {
        add(&mut message, PADDING, &vec![0; usize::from(length)]);
    }
    if let Ok(software) = Software::new(told.software) {
        let _ = message.add_attribute(&software);
    }
    finished(message)
}

/// The refusal of a Binding request; `unknown` are the attributes that were not
/// understood (RFC 8489, 6.3.1).
#[must_use]
pub fn binding_error(transaction: Transaction, code: u16, unknown: &[u16]) -> Vec<u8> {
    let kind = MessageType::from_class_method(MessageClass::Error, BINDING);
    let mut message = Message::builder(kind, id_of(transaction), MessageWriteVec::new());
    if let Ok(error) = ErrorCode::builder(code).build() {
        let _ = message.add_attribute(&error);
    }
    if !unknown.is_empty() {
        let kinds: Vec<u8> = unknown.iter().flat_map(|own| own.to_be_bytes()).collect();
        add(&mut message, UNKNOWN_ATTRIBUTES, &kinds);
    }
    finished(message)
}

fn add(message: &mut MessageWriteVec, kind: u16, value: &[u8]) {
    let _ = message.add_attribute(&RawAttribute::new(AttributeType::new(kind), value));
}

fn finished(mut message: MessageWriteVec) -> Vec<u8> {
    let has_room = message.add_fingerprint();
    debug_assert!(has_room.is_ok(), "a message has one FINGERPRINT");
    message.finish()
}

/// An address in clear (RFC 8489, 14.1).
fn plain(endpoint: Endpoint) -> Vec<u8> {
    let (family, ip) = match endpoint.ip {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    [&[0, family], &endpoint.port.to_be_bytes()[..], &ip].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stun::{Class, StunMessage};

    #[test]
    fn what_is_written_is_read() {
        let transaction = random_transaction();
        assert_ne!(transaction, random_transaction());
        for ip in ["192.0.2.1", "2001:db8::1"] {
            let at = |port| Endpoint::new(ip.parse().expect("an address"), port);
            let told = Told {
                mapped: at(4000),
                origin: Some(at(3478)),
                other: Some(at(3479)),
                software: "test",
                padding: Some(100),
            };
            let octets = binding_success(transaction, &told);
            let message = StunMessage::parse(&octets).expect("a message");
            assert_eq!(message.class, Class::SuccessResponse);
            assert_eq!(message.transaction_id[4..], transaction);
            assert_eq!(message.mapped_address(), Some(at(4000)));
            assert_eq!(message.rewritten_address(), None);
            assert_eq!(message.response_origin(), Some(at(3478)));
            assert_eq!(message.other_address(), Some(at(3479)));
            assert_eq!(message.software(), Some(&b"test"[..]));
            assert_eq!(message.fingerprint_ok(), Some(true));
            assert_eq!(message.header_fault(), None);
        }
        let wanted = Wanted {
            change: Some((true, false)),
            response_port: Some(5000),
            padding: None,
        };
        let octets = binding_request(transaction, wanted);
        let message = StunMessage::parse(&octets).expect("a message");
        assert_eq!(message.wanted_change(), Some((true, false)));
        assert_eq!(message.response_port(), Some(5000));
        let octets = binding_error(transaction, 420, &[3]);
        let message = StunMessage::parse(&octets).expect("a message");
        assert_eq!(message.error_code(), Some(420));
        assert_eq!(message.class, Class::ErrorResponse);
    }
}
