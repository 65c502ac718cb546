//! The header and the attributes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::net::Endpoint;
use crate::octets::{self, u8_at, u16_at, u32_at};

const MAGIC_COOKIE: u32 = 0x2112_a442;
const MAPPED_ADDRESS: u16 = 0x0001;
const USERNAME: u16 = 0x0006;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// The most attributes of a message that are walked.
const MAX_ATTRIBUTES: usize = 256;

/// The class of a message (RFC 8489, 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Asks.
    Request,
    /// Tells, with no answer.
    Indication,
    /// Answers well.
    SuccessResponse,
    /// Answers ill.
    ErrorResponse,
}

/// A STUN message.
#[derive(Clone, Copy, Debug)]
pub struct StunMessage<'a> {
    /// What it is.
    pub class: Class,
    /// Of which method; 1 is Binding.
    pub method: u16,
    /// Cookie and transaction: 16 octets, the same in request and answer.
    pub transaction_id: [u8; 16],
    attributes: &'a [u8],
}

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its type.
    pub kind: u16,
    /// Its value, without padding.
    pub value: &'a [u8],
}

impl<'a> StunMessage<'a> {
    /// Reads a message that has the cookie of RFC 8489 and fills `octets`.
    #[inline]
    #[must_use]
    pub fn parse(octets: &'a [u8]) -> Option<Self> {
        let kind = u16_at(octets, 0)?;
        let length = u16_at(octets, 2)?;
        if kind & 0xc000 != 0 || length % 4 != 0 || u32_at(octets, 4)? != MAGIC_COOKIE {
            return None;
        }
        let class = match (kind >> 8 & 1, kind >> 4 & 1) {
            (0, 0) => Class::Request,
            (0, _) => Class::Indication,
            (_, 0) => Class::SuccessResponse,
            _ => Class::ErrorResponse,
        };
        Some(Self {
            class,
            method: (kind & 0x000f) | (kind >> 1 & 0x0070) | (kind >> 2 & 0x0f80),
            transaction_id: octets.get(4..20)?.try_into().ok()?,
            attributes: octets::span(octets, 20, usize::from(length)),
        })
    }

    /// The attributes, in order, as far as they hold.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let mut rest = self.attributes;
        std::iter::from_fn(move || {
            let (kind, length) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
            let value = rest.get(4..length.saturating_add(4))?;
            rest = octets::from(rest, length.next_multiple_of(4).saturating_add(4));
            Some(Attribute { kind, value })
        })
        .take(MAX_ATTRIBUTES)
    }

    /// USERNAME: in ICE, the receiver's fragment, a colon, the sender's.
    #[must_use]
    pub fn username(&self) -> Option<&'a [u8]> {
        self.attributes()
            .find(|attribute| attribute.kind == USERNAME)
            .map(|attribute| attribute.value)
    }

    /// The reflexive address: XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS.
    #[must_use]
    pub fn mapped_address(&self) -> Option<Endpoint> {
        let find = |kind| self.attributes().find(|attribute| attribute.kind == kind);
        find(XOR_MAPPED_ADDRESS)
            .and_then(|attribute| self.address(attribute.value, true))
            .or_else(|| self.address(find(MAPPED_ADDRESS)?.value, false))
    }

    fn address(&self, value: &[u8], xored: bool) -> Option<Endpoint> {
        let mask = if xored { self.transaction_id } else { [0; 16] };
        let unmask = |octets: &[u8]| -> Vec<u8> {
            octets
                .iter()
                .zip(mask)
                .map(|(octet, mask)| octet ^ mask)
                .collect()
        };
        let port: [u8; 2] = unmask(value.get(2..4)?).try_into().ok()?;
        let ip = match u8_at(value, 1)? {
            1 => IpAddr::V4(Ipv4Addr::from(
                <[u8; 4]>::try_from(unmask(value.get(4..8)?)).ok()?,
            )),
            2 => IpAddr::V6(Ipv6Addr::from(
                <[u8; 16]>::try_from(unmask(value.get(4..20)?)).ok()?,
            )),
            _ => return None,
        };
        Some(Endpoint::new(ip, u16::from_be_bytes(port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response() -> Vec<u8> {
        // RFC 5769, 2.2: the mapped address is 192.0.2.1 port 32853.
        let mut octets = vec![1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42];
        octets.extend([
            0xb7, 0xe7, 0xa7, 1, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
        ]);
        octets.extend([0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        octets
    }

    #[test]
    fn the_mapped_address_of_rfc_5769() {
        let octets = response();
        let message = StunMessage::parse(&octets).expect("a message");
        assert_eq!((message.class, message.method), (Class::SuccessResponse, 1));
        let mapped = message.mapped_address().map(|at| at.to_string());
        assert_eq!(mapped.as_deref(), Some("192.0.2.1:32853"));
        assert_eq!(message.username(), None);
    }

    #[test]
    fn what_is_cut_or_no_stun() {
        let octets = response();
        for cut in 0..20 {
            assert!(StunMessage::parse(&octets[..cut]).is_none(), "{cut}");
        }
        for cut in 20..32 {
            let message = StunMessage::parse(&octets[..cut]).expect("a message");
            assert_eq!(message.mapped_address(), None, "{cut}");
        }
        let mut other = octets;
        other[4] ^= 1;
        assert!(StunMessage::parse(&other).is_none());
    }
}
