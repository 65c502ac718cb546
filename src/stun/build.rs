//! Writing STUN messages: strict, on stun-types. What RFC 5780 adds is written as
//! plain attributes.

use std::net::{IpAddr, SocketAddr};

use stun_types::attribute::{AttributeType, ErrorCode, RawAttribute, Software, XorMappedAddress};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass,
    MessageIntegrityCredentials, MessageType, MessageWrite as _, MessageWriteExt as _,
    MessageWriteVec, Method, TransactionId,
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
    signed_binding_request(transaction, wanted, None)
}

/// A Binding request that is signed, where somebody is named.
#[must_use]
pub fn signed_binding_request(
    transaction: Transaction,
    wanted: Wanted,
    signer: Option<&Signer>,
) -> Vec<u8> {
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
    if let Some(signer) = signer {
        signer.sign(&mut message);
    }
    finished(message)
}

/// A request, or an indication, of TURN (RFC 8656, 18).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnMessage {
    /// Its method.
    pub method: TurnMethod,
    /// What it says.
    pub attributes: Vec<TurnAttribute>,
}

/// A method of TURN (RFC 8656, 17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnMethod {
    /// An address to be relayed at.
    Allocate,
    /// To be kept, or given back.
    Refresh,
    /// To be sent to a peer; an indication.
    Send,
    /// A peer may send.
    CreatePermission,
    /// A peer gets a channel.
    ChannelBind,
}

/// An attribute of TURN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnAttribute {
    /// What the relayed address is to speak: UDP.
    RequestedUdp,
    /// For how many seconds.
    Lifetime(u32),
    /// Which peer.
    Peer(Endpoint),
    /// Which channel.
    Channel(u16),
    /// What is to be sent.
    Data(Vec<u8>),
}

impl TurnMessage {
    /// It, with FINGERPRINT; signed where somebody is named, and no indication.
    #[must_use]
    pub fn written(&self, transaction: Transaction, signer: Option<&Signer>) -> Vec<u8> {
        let (class, method) = match self.method {
            TurnMethod::Allocate => (MessageClass::Request, 3),
            TurnMethod::Refresh => (MessageClass::Request, 4),
            TurnMethod::Send => (MessageClass::Indication, 6),
            TurnMethod::CreatePermission => (MessageClass::Request, 8),
            TurnMethod::ChannelBind => (MessageClass::Request, 9),
        };
        let kind = MessageType::from_class_method(class, Method::new(method));
        let mut message = Message::builder(kind, id_of(transaction), MessageWriteVec::new());
        for attribute in &self.attributes {
            match attribute {
                TurnAttribute::RequestedUdp => add(&mut message, 0x0019, &[17, 0, 0, 0]),
                TurnAttribute::Lifetime(own) => add(&mut message, 0x000d, &own.to_be_bytes()),
                TurnAttribute::Peer(own) => add(&mut message, 0x0012, &xored(*own, transaction)),
                TurnAttribute::Channel(own) => {
                    let [high, low] = own.to_be_bytes();
                    add(&mut message, 0x000c, &[high, low, 0, 0]);
                }
                TurnAttribute::Data(own) => add(&mut message, 0x0013, own),
            }
        }
        if let Some(signer) = signer.filter(|_| class == MessageClass::Request) {
            signer.sign(&mut message);
        }
        finished(message)
    }
}

/// Channel data (RFC 8656, 12.4); on a stream it is padded.
#[must_use]
pub fn channel_data(channel: u16, data: &[u8], is_stream: bool) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    let mut octets = [channel.to_be_bytes(), length.to_be_bytes()].concat();
    octets.extend(data);
    if is_stream {
        octets.resize(octets.len().next_multiple_of(4), 0);
    }
    octets
}

/// A long-term credential, as a server asked for it (RFC 8489, 9.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Signer {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
    /// The server's realm.
    pub realm: String,
    /// Its last nonce.
    pub nonce: String,
}

/// The password is not shown.
impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} for {}", self.user, self.realm)
    }
}

impl Signer {
    fn key(&self) -> MessageIntegrityCredentials {
        let (user, password) = (self.user.clone(), self.password.clone());
        LongTermKeyCredentials::new(user, password, self.realm.clone()).into()
    }

    fn sign(&self, message: &mut MessageWriteVec) {
        add(message, 0x0006, self.user.as_bytes());
        add(message, 0x0014, self.realm.as_bytes());
        add(message, 0x0015, self.nonce.as_bytes());
        // It is added once, and before FINGERPRINT.
        let _ = message.add_message_integrity(&self.key(), IntegrityAlgorithm::Sha1);
    }

    /// Whether a message is signed with this credential.
    #[must_use]
    pub fn has_signed(&self, octets: &[u8]) -> bool {
        let message = Message::from_bytes(octets);
        message.is_ok_and(|own| own.validate_integrity(&self.key()).is_ok())
    }
}

/// An address, hidden from what rewrites addresses (RFC 8489, 14.2).
fn xored(endpoint: Endpoint, transaction: Transaction) -> Vec<u8> {
    let mask = [&0x2112_a442_u32.to_be_bytes()[..], &transaction].concat();
    let mut octets = plain(endpoint);
    // The port begins with the mask, and so does the address.
    for begin in [2, 4] {
        let end = if begin == 2 { 4 } else { octets.len() };
        let part = octets.get_mut(begin..end).unwrap_or_default();
        part.iter_mut()
            .zip(&mask)
            .for_each(|(own, mask)| *own ^= mask);
    }
    octets
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
        for ip in ["192.0.2.7", "2001:db8::7"] {
            let peer = Endpoint::new(ip.parse().expect("an address"), 4000);
            let turn = TurnMessage {
                method: TurnMethod::Send,
                attributes: vec![
                    TurnAttribute::Peer(peer),
                    TurnAttribute::Data(vec![1, 2, 3]),
                ],
            };
            let octets = turn.written(transaction, None);
            let message = StunMessage::parse(&octets).expect("a message");
            assert_eq!((message.class, message.method), (Class::Indication, 6));
            assert_eq!(message.peer_address(), Some(peer));
            assert_eq!(message.data(), Some(&[1, 2, 3][..]));
        }
        let mut signer = Signer {
            user: "user".to_owned(),
            password: "word".to_owned(),
            realm: "realm".to_owned(),
            nonce: "once".to_owned(),
        };
        let octets = signed_binding_request(transaction, wanted, Some(&signer));
        let message = StunMessage::parse(&octets).expect("a message");
        assert!(message.has_credentials());
        assert_eq!(message.nonce(), Some(&b"once"[..]));
        assert!(signer.has_signed(&octets));
        signer.password.push('s');
        assert!(!signer.has_signed(&octets));
        assert_eq!(
            channel_data(0x4001, b"abc", false),
            [0x40, 1, 0, 3, b'a', b'b', b'c']
        );
        assert_eq!(channel_data(0x4001, b"abc", true).len(), 8);
        let octets = binding_error(transaction, 420, &[3]);
        let message = StunMessage::parse(&octets).expect("a message");
        assert_eq!(message.error_code(), Some(420));
        assert_eq!(message.class, Class::ErrorResponse);
    }
}
