//! The header and the attributes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hmac::{Hmac, Mac};
use sha1::Sha1;

use crate::net::Endpoint;
use crate::octets::{self, u8_at, u16_at, u32_at};

const MAGIC_COOKIE: u32 = 0x2112_a442;
const MAPPED_ADDRESS: u16 = 0x0001;
const CHANGE_REQUEST: u16 = 0x0003;
const CHANGED_ADDRESS: u16 = 0x0005;
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
const PRIORITY: u16 = 0x0024;
const ERROR_CODE: u16 = 0x0009;
const REALM: u16 = 0x0014;
const NONCE: u16 = 0x0015;
const CHANNEL_NUMBER: u16 = 0x000c;
const LIFETIME: u16 = 0x000d;
const XOR_RELAYED_ADDRESS: u16 = 0x0016;
const XOR_PEER_ADDRESS: u16 = 0x0012;
const DATA: u16 = 0x0013;
const REQUESTED_TRANSPORT: u16 = 0x0019;
const CONNECTION_ID: u16 = 0x002a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const USE_CANDIDATE: u16 = 0x0025;
const PADDING: u16 = 0x0026;
const RESPONSE_PORT: u16 = 0x0027;
/// What servers sent before RFC 5389 gave it a number.
const OLD_XOR_MAPPED_ADDRESS: u16 = 0x8020;
const SOFTWARE: u16 = 0x8022;
const ALTERNATE_SERVER: u16 = 0x8023;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;
const ICE_CONTROLLING: u16 = 0x802a;
const RESPONSE_ORIGIN: u16 = 0x802b;
const OTHER_ADDRESS: u16 = 0x802c;
const MOBILITY_TICKET: u16 = 0x8030;
const FINGERPRINT_MASK: u32 = 0x5354_554e;
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
    /// Whether it is of RFC 3489, which had no cookie.
    pub is_classic: bool,
    octets: &'a [u8],
    attributes: &'a [u8],
}

/// Who decides on the pair of addresses (RFC 8445, 6.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceRole {
    /// The sender does.
    Controlling,
    /// The other side does.
    Controlled,
}

/// What is wrong with a header (RFC 8489, 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderFault {
    /// The first two bits are not zero.
    FirstBits,
    /// The length is no multiple of four octets.
    NoMultipleOfFour {
        /// What it says.
        length: u16,
    },
    /// The datagram ends elsewhere.
    WrongLength {
        /// What it says.
        length: u16,
        /// Octets behind the header.
        rest: usize,
    },
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
        Self::of_kind(octets, kind, length, false)
    }

    /// Reads what has the cookie and a header that breaks RFC 8489, 5: at a port
    /// of STUN nothing else bears it.
    #[must_use]
    pub fn parse_broken(octets: &'a [u8]) -> Option<Self> {
        let kind = u16_at(octets, 0)?;
        let length = u16_at(octets, 2)?;
        if u32_at(octets, 4)? != MAGIC_COOKIE {
            return None;
        }
        Self::of_kind(octets, kind & 0x3fff, length, false)
    }

    /// The transaction of a message of which no more need be there than its header: an
    /// ICMP error may quote so much.
    #[must_use]
    pub fn transaction_of(octets: &[u8]) -> Option<[u8; 16]> {
        let is_stun = u8_at(octets, 0)? & 0xc0 == 0 && u32_at(octets, 4)? == MAGIC_COOKIE;
        octets.get(4..20)?.try_into().ok().filter(|_| is_stun)
    }

    /// What its header breaks (RFC 8489, 5), if all of its datagram was
    /// captured: the first two bits are zero, and the length is a multiple of
    /// four and ends where the datagram ends.
    #[must_use]
    pub fn header_fault(&self) -> Option<HeaderFault> {
        let length = u16_at(self.octets, 2)?;
        let rest = self.octets.len().saturating_sub(20);
        if u8_at(self.octets, 0)? & 0xc0 != 0 {
            Some(HeaderFault::FirstBits)
        } else if length % 4 != 0 {
            Some(HeaderFault::NoMultipleOfFour { length })
        } else if usize::from(length) != rest {
            Some(HeaderFault::WrongLength { length, rest })
        } else {
            None
        }
    }

    /// Reads a message of RFC 3489: no cookie, so everything else must fit.
    /// Without attributes, a port of STUN must speak for it.
    #[must_use]
    pub fn parse_classic(octets: &'a [u8], at_stun_port: bool) -> Option<Self> {
        let kind = u16_at(octets, 0)?;
        let length = u16_at(octets, 2)?;
        let whole = usize::from(length).saturating_add(20) == octets.len();
        let known = matches!(kind, 0x0001 | 0x0101 | 0x0111 | 0x0002 | 0x0102 | 0x0112);
        if !known || !whole || u32_at(octets, 4)? == MAGIC_COOKIE {
            return None;
        }
        let message = Self::of_kind(octets, kind, length, true)?;
        let mut walked = 0_usize;
        for attribute in message.attributes() {
            let is_usual = matches!(attribute.kind, 0x0001..=0x000b | 0x8020..=0x8022 | 0x8028);
            if !is_usual {
                return None;
            }
            walked = walked
                .saturating_add(4)
                .saturating_add(attribute.value.len().next_multiple_of(4));
        }
        (walked == usize::from(length) && (walked > 0 || at_stun_port)).then_some(message)
    }

    fn of_kind(octets: &'a [u8], kind: u16, length: u16, is_classic: bool) -> Option<Self> {
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
            is_classic,
            octets,
            attributes: octets::span(octets, 20, usize::from(length)),
        })
    }

    /// The attributes, in order, as far as they hold.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        self.all_attributes().take(MAX_ATTRIBUTES)
    }

    fn all_attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let mut rest = self.attributes;
        std::iter::from_fn(move || {
            let (kind, length) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
            let value = rest.get(4..length.saturating_add(4))?;
            rest = octets::from(rest, length.next_multiple_of(4).saturating_add(4));
            Some(Attribute { kind, value })
        })
    }

    /// Whether it has more attributes than are looked at.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.attributes.len() >= 4 * (MAX_ATTRIBUTES + 1)
            && self.all_attributes().nth(MAX_ATTRIBUTES).is_some()
    }

    /// The name of the method.
    #[must_use]
    pub const fn method_name(&self) -> Option<&'static str> {
        method_name(self.method)
    }

    /// The transaction id as hexadecimal digits, without the cookie.
    #[must_use]
    pub fn transaction_text(&self) -> String {
        let skip = if self.is_classic { 0 } else { 4 };
        self.transaction_id
            .iter()
            .skip(skip)
            .map(|octet| format!("{octet:02x}"))
            .collect()
    }

    fn value(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes()
            .find(|attribute| attribute.kind == kind)
            .map(|attribute| attribute.value)
    }

    /// ERROR-CODE (RFC 8489, 14.8).
    #[must_use]
    pub fn error_code(&self) -> Option<u16> {
        let value = self.value(ERROR_CODE)?;
        let (class, number) = (u8_at(value, 2)? & 0x07, u8_at(value, 3)?);
        Some(
            u16::from(class)
                .saturating_mul(100)
                .saturating_add(u16::from(number)),
        )
    }

    /// REALM.
    #[must_use]
    pub fn realm(&self) -> Option<&'a [u8]> {
        self.value(REALM)
    }

    /// NONCE.
    #[must_use]
    pub fn nonce(&self) -> Option<&'a [u8]> {
        self.value(NONCE)
    }

    /// LIFETIME, in seconds (RFC 8656, 18.2).
    #[must_use]
    pub fn lifetime(&self) -> Option<u32> {
        u32_at(self.value(LIFETIME)?, 0)
    }

    /// XOR-RELAYED-ADDRESS (RFC 8656, 18.5).
    #[must_use]
    pub fn relayed_address(&self) -> Option<Endpoint> {
        self.address(self.value(XOR_RELAYED_ADDRESS)?, true)
    }

    /// XOR-PEER-ADDRESS (RFC 8656, 18.3).
    #[must_use]
    pub fn peer_address(&self) -> Option<Endpoint> {
        self.address(self.value(XOR_PEER_ADDRESS)?, true)
    }

    /// All of XOR-PEER-ADDRESS: a request for permissions may have several.
    pub fn peers(&self) -> impl Iterator<Item = Endpoint> {
        self.attributes()
            .filter(|own| own.kind == XOR_PEER_ADDRESS)
            .filter_map(|own| self.address(own.value, true))
    }

    /// CHANNEL-NUMBER (RFC 8656, 18.1).
    #[must_use]
    pub fn channel_number(&self) -> Option<u16> {
        u16_at(self.value(CHANNEL_NUMBER)?, 0)
    }

    /// The protocol of REQUESTED-TRANSPORT (RFC 8656, 18.7): 17 is UDP, 6 TCP.
    #[must_use]
    pub fn requested_transport(&self) -> Option<u8> {
        self.value(REQUESTED_TRANSPORT)?.first().copied()
    }

    /// CONNECTION-ID (RFC 6062, 6.2.1).
    #[must_use]
    pub fn connection_id(&self) -> Option<u32> {
        u32_at(self.value(CONNECTION_ID)?, 0)
    }

    /// MOBILITY-TICKET (RFC 8016, 3.5): empty where a client asks for one.
    #[must_use]
    pub fn mobility_ticket(&self) -> Option<&'a [u8]> {
        self.value(MOBILITY_TICKET)
    }

    /// DATA (RFC 8656, 18.4).
    #[must_use]
    pub fn data(&self) -> Option<&'a [u8]> {
        self.value(DATA)
    }

    /// SOFTWARE.
    #[must_use]
    pub fn software(&self) -> Option<&'a [u8]> {
        self.value(SOFTWARE)
    }

    /// OTHER-ADDRESS (RFC 5780, 7.4), or CHANGED-ADDRESS of RFC 3489.
    #[must_use]
    pub fn other_address(&self) -> Option<Endpoint> {
        let value = self
            .value(OTHER_ADDRESS)
            .or_else(|| self.value(CHANGED_ADDRESS))?;
        self.address(value, false)
    }

    /// Whether it is signed with a long-term credential (RFC 8489, 9.2).
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        let has = |kind| self.value(kind).is_some();
        let is_signed = has(MESSAGE_INTEGRITY) || has(MESSAGE_INTEGRITY_SHA256);
        is_signed && self.realm().is_some()
    }

    /// What a connectivity check must have and this message lacks (RFC 8445,
    /// 7.1 and 7.2): `FINGERPRINT`, `MESSAGE-INTEGRITY`, `PRIORITY`.
    #[must_use]
    pub fn check_lacks(&self) -> Option<&'static str> {
        let has = |kind| self.value(kind).is_some();
        if !has(FINGERPRINT) {
            Some("FINGERPRINT")
        } else if !has(MESSAGE_INTEGRITY) && !has(MESSAGE_INTEGRITY_SHA256) {
            Some("MESSAGE-INTEGRITY")
        } else if !has(PRIORITY) {
            Some("PRIORITY")
        } else {
            None
        }
    }

    /// MAPPED-ADDRESS alone, where XOR-MAPPED-ADDRESS names another address
    /// (RFC 8489, 14.2): something rewrites addresses in payloads.
    #[must_use]
    pub fn rewritten_address(&self) -> Option<Endpoint> {
        let plain = self.address(self.value(MAPPED_ADDRESS)?, false)?;
        self.value(XOR_MAPPED_ADDRESS)?;
        (self.mapped_address() != Some(plain)).then_some(plain)
    }

    /// To which port the answer is wanted (RESPONSE-PORT; RFC 5780, 7.5).
    #[must_use]
    pub fn response_port(&self) -> Option<u16> {
        u16_at(self.value(RESPONSE_PORT)?, 0)
    }

    /// How many octets stand for nothing (PADDING; RFC 5780, 7.6).
    #[must_use]
    pub fn padding(&self) -> Option<usize> {
        self.value(PADDING).map(<[u8]>::len)
    }

    /// Another server that is to be asked (ALTERNATE-SERVER; RFC 8489, 14.15).
    #[must_use]
    pub fn alternate_server(&self) -> Option<Endpoint> {
        self.address(self.value(ALTERNATE_SERVER)?, false)
    }

    /// Whether the answer is wanted from another address, and whether from
    /// another port (CHANGE-REQUEST; RFC 5780, 7.2).
    #[must_use]
    pub fn wanted_change(&self) -> Option<(bool, bool)> {
        let flags = u8_at(self.value(CHANGE_REQUEST)?, 3)?;
        (flags & 0x06 != 0).then_some((flags & 0x04 != 0, flags & 0x02 != 0))
    }

    /// RESPONSE-ORIGIN (RFC 5780, 7.3).
    #[must_use]
    pub fn response_origin(&self) -> Option<Endpoint> {
        self.address(self.value(RESPONSE_ORIGIN)?, false)
    }

    /// Whether USE-CANDIDATE nominates the pair (RFC 8445, 7.1.2).
    #[must_use]
    pub fn use_candidate(&self) -> bool {
        self.value(USE_CANDIDATE).is_some()
    }

    /// The sender's role, in connectivity checks.
    #[must_use]
    pub fn ice_role(&self) -> Option<IceRole> {
        if self.value(ICE_CONTROLLING).is_some() {
            Some(IceRole::Controlling)
        } else {
            self.value(ICE_CONTROLLED).map(|_| IceRole::Controlled)
        }
    }

    /// Whether FINGERPRINT, if there is one, is right (RFC 8489, 14.7).
    #[must_use]
    pub fn fingerprint_ok(&self) -> Option<bool> {
        let given = u32_at(self.value(FINGERPRINT)?, 0)?;
        // It stands last: eight octets, after all that it covers.
        let mut end = 20_usize;
        for attribute in self.attributes() {
            if attribute.kind == FINGERPRINT {
                break;
            }
            end = end
                .saturating_add(4)
                .saturating_add(attribute.value.len().next_multiple_of(4));
        }
        let covered = octets::span(self.octets, 0, end);
        Some(crc32fast::hash(covered) ^ FINGERPRINT_MASK == given)
    }

    /// PRIORITY: what the sender's address would be worth as a candidate (RFC 8445,
    /// 7.1.1).
    #[must_use]
    pub fn priority(&self) -> Option<u32> {
        u32_at(self.value(PRIORITY)?, 0)
    }

    /// Whether MESSAGE-INTEGRITY, if there is one, was made with this key: for a
    /// short-term credential its password (RFC 8489, 14.5 and 9.1.1).
    #[must_use]
    pub fn integrity_ok(&self, key: &[u8]) -> Option<bool> {
        let given = self.value(MESSAGE_INTEGRITY)?;
        let mut before = 0_usize;
        for attribute in self.attributes() {
            if attribute.kind == MESSAGE_INTEGRITY {
                break;
            }
            before = before
                .saturating_add(4)
                .saturating_add(attribute.value.len().next_multiple_of(4));
        }
        // The length is what it was when the signature was the last attribute.
        let length = u16::try_from(before.saturating_add(24)).ok()?;
        let mut mac = <Hmac<Sha1> as Mac>::new_from_slice(key).ok()?;
        mac.update(octets::span(self.octets, 0, 2));
        mac.update(&length.to_be_bytes());
        mac.update(octets::span(self.octets, 4, before.saturating_add(16)));
        Some(mac.verify_slice(given).is_ok())
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
            .or_else(|| find(OLD_XOR_MAPPED_ADDRESS))
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

/// The name of a method (RFC 8489, 18.2; RFC 8656, 17).
#[must_use]
pub const fn method_name(method: u16) -> Option<&'static str> {
    Some(match method {
        0x001 => "binding",
        0x002 => "shared-secret",
        0x003 => "allocate",
        0x004 => "refresh",
        0x006 => "send",
        0x007 => "data",
        0x008 => "create-permission",
        0x009 => "channel-bind",
        0x00a => "connect",
        0x00b => "connection-bind",
        0x00c => "connection-attempt",
        _ => return None,
    })
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
    fn m054_classic_messages_must_fit_in_every_way() {
        let request = [&[0, 1, 0, 8][..], &[7; 16], &[0, 3, 0, 4, 0, 0, 0, 6]].concat();
        let read = |octets: &[u8], port| {
            StunMessage::parse_classic(octets, port).map(|message| message.method_name())
        };
        assert_eq!(read(&request, false), Some(Some("binding")));
        assert_eq!(read(&request[..20], true), None);
        let empty = [&[0, 1, 0, 0][..], &[7; 16]].concat();
        assert_eq!(read(&empty, true), Some(Some("binding")));
        assert_eq!(read(&empty, false), None);
        let mut odd = request.clone();
        odd[21] = 0x77;
        assert_eq!(read(&odd, true), None);
        odd = request;
        odd.push(0);
        assert_eq!(read(&odd, true), None);
    }

    #[test]
    fn m054_error_codes_need_four_octets() {
        let message = |value: &[u8]| {
            let mut octets = vec![1, 0x11, 0, 0, 0x21, 0x12, 0xa4, 0x42];
            octets.extend([0; 12]);
            octets.extend([0, 9, 0, u8::try_from(value.len()).expect("short")]);
            octets.extend(value);
            octets.resize(octets.len().next_multiple_of(4), 0);
            octets[3] = u8::try_from(octets.len() - 20).expect("short");
            octets
        };
        let code = |value: &[u8]| {
            let octets = message(value);
            StunMessage::parse(&octets).and_then(|message| message.error_code())
        };
        assert_eq!(code(&[0, 0, 4, 1]), Some(401));
        assert_eq!(code(&[0, 0, 4]), None);
        assert_eq!(code(&[]), None);
    }

    #[test]
    fn headers_that_break_the_rules() {
        let check = |change: &dyn Fn(&mut Vec<u8>), expected| {
            let mut octets = response();
            change(&mut octets);
            let message = StunMessage::parse_broken(&octets).expect("the cookie");
            assert_eq!(message.header_fault(), expected, "{octets:?}");
        };
        check(&|_| {}, None);
        check(&|own| own[0] |= 0x80, Some(HeaderFault::FirstBits));
        check(&|own| own[0] |= 0x40, Some(HeaderFault::FirstBits));
        let odd = HeaderFault::NoMultipleOfFour { length: 13 };
        check(&|own| own[3] = 13, Some(odd));
        let wrong = |length, rest| Some(HeaderFault::WrongLength { length, rest });
        check(&|own| own[3] = 16, wrong(16, 12));
        check(&|own| own.extend([0; 4]), wrong(12, 16));
        check(&|own| own.truncate(28), wrong(12, 8));
        let mut other = response();
        other[4] ^= 1;
        assert!(StunMessage::parse_broken(&other).is_none());
        assert!(StunMessage::parse_broken(&response()[..19]).is_none());
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
