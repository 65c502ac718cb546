//! Messages of STUN (RFC 8489), written attribute by attribute.

use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use crate::net::Endpoint;

pub(super) const BINDING: u16 = 0x001;
pub(super) const ALLOCATE: u16 = 0x003;
pub(super) const REFRESH: u16 = 0x004;
pub(super) const SEND: u16 = 0x016;
pub(super) const DATA: u16 = 0x017;
pub(super) const CREATE_PERMISSION: u16 = 0x008;
pub(super) const CHANNEL_BIND: u16 = 0x009;
/// Added to a method: its success, its failure.
pub(super) const SUCCESS: u16 = 0x100;
pub(super) const ERROR: u16 = 0x110;

pub(super) const USERNAME: u16 = 0x0006;
pub(super) const ERROR_CODE: u16 = 0x0009;
pub(super) const CHANNEL_NUMBER: u16 = 0x000c;
pub(super) const LIFETIME: u16 = 0x000d;
pub(super) const PEER: u16 = 0x0012;
pub(super) const PAYLOAD: u16 = 0x0013;
pub(super) const REALM: u16 = 0x0014;
pub(super) const NONCE: u16 = 0x0015;
pub(super) const RELAYED: u16 = 0x0016;
pub(super) const REQUESTED_TRANSPORT: u16 = 0x0019;
pub(super) const MAPPED: u16 = 0x0020;
pub(super) const PRIORITY: u16 = 0x0024;
pub(super) const USE_CANDIDATE: u16 = 0x0025;
pub(super) const CONTROLLED: u16 = 0x8029;
pub(super) const CONTROLLING: u16 = 0x802a;

const COOKIE: u32 = 0x2112_a442;

pub(super) type Attribute = (u16, Vec<u8>);

/// A message with these attributes, signed with `key` where there is one, and with its
/// FINGERPRINT.
pub(super) fn message(
    kind: u16,
    transaction: [u8; 12],
    attributes: &[Attribute],
    key: Option<&[u8]>,
) -> Vec<u8> {
    let mut octets = [
        &kind.to_be_bytes()[..],
        &[0, 0],
        &COOKIE.to_be_bytes(),
        &transaction,
    ]
    .concat();
    for (kind, value) in attributes {
        add(&mut octets, *kind, value);
    }
    if let Some(key) = key {
        // The length counts what is signed with, and what comes after it does not.
        set_length(&mut octets, 24);
        if let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key) {
            mac.update(&octets);
            let tag = mac.finalize().into_bytes();
            add(&mut octets, 0x0008, &tag);
        }
    }
    set_length(&mut octets, 8);
    let fingerprint = crc32fast::hash(&octets) ^ 0x5354_554e;
    add(&mut octets, 0x8028, &fingerprint.to_be_bytes());
    set_length(&mut octets, 0);
    octets
}

fn add(octets: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    octets.extend([kind.to_be_bytes(), length.to_be_bytes()].concat());
    octets.extend(value);
    octets.resize(octets.len().next_multiple_of(4), 0);
}

fn set_length(octets: &mut [u8], more: usize) {
    let length = u16::try_from(octets.len() - 20 + more).unwrap_or(u16::MAX);
    octets[2..4].copy_from_slice(&length.to_be_bytes());
}

/// An address of IPv4 under the cookie (RFC 8489, 14.2).
pub(super) fn xored(endpoint: Endpoint) -> Vec<u8> {
    let std::net::IpAddr::V4(ip) = endpoint.ip else {
        return Vec::new();
    };
    let port = endpoint.port ^ 0x2112;
    let ip = u32::from(ip) ^ COOKIE;
    [&[0, 1][..], &port.to_be_bytes(), &ip.to_be_bytes()].concat()
}
