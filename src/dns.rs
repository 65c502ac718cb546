//! DNS messages (RFC 1035) as far as they lead to SIP servers: NAPTR, SRV, A,
//! AAAA and CNAME (RFC 3263).

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
use std::net::IpAddr;

use domain::base::iana::Rtype;
use domain::base::{Message, MessageBuilder, Name, ParsedName, ToName};
use domain::rdata::AllRecordData;

/// The most answers of one message that are kept.
pub const MAX_ANSWERS: usize = 64;

/// A question and what answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsMessage {
    /// Ties an answer to its question.
    pub id: u16,
    /// Whether it is an answer.
    pub is_response: bool,
    /// Whether the answer did not fit (`TC`).
    pub is_truncated: bool,
    /// What came of it: 0 is success, 3 says that the name does not exist
    /// (RFC 6895, 2.3).
    pub rcode: u8,
    /// The name asked for, in lower case, without the last dot.
    pub name: String,
    /// What is asked about it.
    pub kind: DnsKind,
    /// Answers of the kinds that lead to SIP servers, in order.
    pub answers: Vec<DnsAnswer>,
    /// Whether there are more than are kept.
    pub is_cut: bool,
}

/// The kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DnsKind {
    /// An IPv4 address.
    A,
    /// An IPv6 address (RFC 3596).
    Aaaa,
    /// Another name for the same.
    Cname,
    /// A server for a service (RFC 2782).
    Srv,
    /// Services of a domain (RFC 3403).
    Naptr,
    /// Any other.
    Other(u16),
}

impl fmt::Display for DnsKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A => f.write_str("A"),
            Self::Aaaa => f.write_str("AAAA"),
            Self::Cname => f.write_str("CNAME"),
            Self::Srv => f.write_str("SRV"),
            Self::Naptr => f.write_str("NAPTR"),
            Self::Other(number) => write!(f, "TYPE{number}"),
        }
    }
}

/// One record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsAnswer {
    /// Whose it is, in lower case, without the last dot.
    pub name: String,
    /// For how many seconds it may be kept.
    pub ttl_s: u32,
    /// What it says.
    pub data: DnsData,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsData {
    /// An address.
    Address(IpAddr),
    /// Another name for the same.
    Cname(String),
    /// A server for a service.
    Srv {
        /// The lowest is tried first.
        priority: u16,
        /// The share among those of one priority.
        weight: u16,
        /// Its port.
        port: u16,
        /// Its name; empty if the service is not there.
        target: String,
    },
    /// A service of a domain.
    Naptr {
        /// The lowest is tried first.
        order: u16,
        /// The lowest is liked best among those of one order.
        preference: u16,
        /// How to go on: `s` by SRV, `a` by address, `u` by the URI.
        flags: String,
        /// Which service: `SIP+D2U` is SIP over UDP.
        services: String,
        /// How to make a URI.
        regexp: String,
        /// Where to go on.
        replacement: String,
    },
}

impl fmt::Display for DnsData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Cname(name) => write!(f, "CNAME {name}"),
            Self::Srv {
                priority,
                weight,
                port,
                target,
            } => write!(f, "{priority} {weight} {port} {target}"),
            Self::Naptr {
                order,
                preference,
                flags,
                services,
                regexp,
                replacement,
            } => write!(
                f,
                "{order} {preference} \"{flags}\" \"{services}\" \"{regexp}\" {replacement}"
            ),
        }
    }
}

impl DnsMessage {
    /// Reads a message with one question; answers are kept as far as they
    /// hold.
    #[must_use]
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let message = Message::from_octets(octets).ok()?;
        let header = message.header();
        if header.opcode() != domain::base::iana::Opcode::QUERY {
            return None;
        }
        let question = message.sole_question().ok()?;
        let mut read = Self {
            id: header.id(),
            is_response: header.qr(),
            is_truncated: header.tc(),
            rcode: header.rcode().to_int(),
            name: name(&question.qname()),
            kind: kind(question.qtype()),
            answers: Vec::new(),
            is_cut: false,
        };
        let Ok(records) = message.answer() else {
            return Some(read);
        };
        for record in records {
            let Ok(record) = record else { break };
            let Ok(Some(record)) = record.to_record::<AllRecordData<_, ParsedName<_>>>() else {
                continue;
            };
            let data = match record.data() {
                AllRecordData::A(address) => DnsData::Address(address.addr().into()),
                AllRecordData::Aaaa(address) => DnsData::Address(address.addr().into()),
                AllRecordData::Cname(other) => DnsData::Cname(name(other.cname())),
                AllRecordData::Srv(server) => DnsData::Srv {
                    priority: server.priority(),
                    weight: server.weight(),
                    port: server.port(),
                    target: name(server.target()),
                },
                AllRecordData::Naptr(service) => DnsData::Naptr {
                    order: service.order(),
                    preference: service.preference(),
                    flags: crate::octets::text(service.flags().as_slice()),
                    services: crate::octets::text(service.services().as_slice()),
                    regexp: crate::octets::text(service.regexp().as_slice()),
                    replacement: name(service.replacement()),
                },
                _ => continue,
            };
            if read.answers.len() >= MAX_ANSWERS {
                read.is_cut = true;
                break;
            }
            read.answers.push(DnsAnswer {
                name: name(record.owner()),
                ttl_s: record.ttl().as_secs(),
                data,
            });
        }
        Some(read)
    }
}

/// A question, for a resolver that asks on (RFC 1035, 4.1); `None` where `host` is no
/// name.
#[must_use]
pub fn query(id: u16, host: &str, kind: DnsKind) -> Option<Vec<u8>> {
    let host: Name<Vec<u8>> = host.parse().ok()?;
    let asked = match kind {
        DnsKind::A => Rtype::A,
        DnsKind::Aaaa => Rtype::AAAA,
        DnsKind::Cname => Rtype::CNAME,
        DnsKind::Srv => Rtype::SRV,
        DnsKind::Naptr => Rtype::NAPTR,
        DnsKind::Other(number) => Rtype::from_int(number),
    };
    let mut message = MessageBuilder::new_vec();
    message.header_mut().set_id(id);
    message.header_mut().set_rd(true);
    let mut question = message.question();
    question.push((host, asked)).ok()?;
    Some(question.finish())
}

/// The name of a result (RFC 6895, 2.3).
#[must_use]
pub fn rcode_name(rcode: u8) -> String {
    let name = match rcode {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        other => return format!("RCODE{other}"),
    };
    name.to_owned()
}

fn name(name: &impl ToName) -> String {
    let mut text = String::new();
    for label in name.iter_labels().filter(|label| !label.is_root()) {
        if !text.is_empty() {
            text.push('.');
        }
        let octets = label.as_slice();
        let is_plain = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        match std::str::from_utf8(octets)
            .ok()
            .filter(|_| octets.iter().all(is_plain))
        {
            Some(plain) => text.push_str(plain),
            // With what else a label may hold escaped.
            None => text.push_str(&label.to_string()),
        }
    }
    text.make_ascii_lowercase();
    text
}

fn kind(rtype: Rtype) -> DnsKind {
    match rtype {
        Rtype::A => DnsKind::A,
        Rtype::AAAA => DnsKind::Aaaa,
        Rtype::CNAME => DnsKind::Cname,
        Rtype::SRV => DnsKind::Srv,
        Rtype::NAPTR => DnsKind::Naptr,
        other => DnsKind::Other(other.to_int()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_read_back() {
        for kind in [DnsKind::A, DnsKind::Aaaa, DnsKind::Srv, DnsKind::Naptr] {
            let octets = query(7, "_sip._udp.example.org", kind).expect("a question");
            let message = DnsMessage::parse(&octets).expect("a message");
            assert!(!message.is_response && message.answers.is_empty());
            assert_eq!((message.id, message.kind), (7, kind));
            assert_eq!(message.name, "_sip._udp.example.org");
        }
        assert_eq!(query(7, &"x".repeat(64), DnsKind::A), None);
        assert_eq!(query(7, "a..b", DnsKind::A), None);
    }

    /// A name on the wire.
    fn wire(name: &str) -> Vec<u8> {
        let mut octets = Vec::new();
        for label in name.split('.').filter(|label| !label.is_empty()) {
            octets.push(u8::try_from(label.len()).expect("short"));
            octets.extend(label.bytes());
        }
        octets.push(0);
        octets
    }

    /// A message about `name` with these answers: type, time to live, data.
    fn message(flags: u16, name: &str, kind: u16, answers: &[(u16, u32, Vec<u8>)]) -> Vec<u8> {
        let count = u16::try_from(answers.len()).expect("few");
        let mut octets = vec![0x12, 0x34];
        for number in [flags, 1, count, 0, 0] {
            octets.extend(number.to_be_bytes());
        }
        octets.extend(wire(name));
        octets.extend(kind.to_be_bytes());
        octets.extend([0, 1]);
        for (kind, ttl, data) in answers {
            octets.extend([0xc0, 12]);
            octets.extend(kind.to_be_bytes());
            octets.extend([0, 1]);
            octets.extend(ttl.to_be_bytes());
            octets.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
            octets.extend(data);
        }
        octets
    }

    fn srv() -> Vec<u8> {
        let data = [
            &[0, 10, 0, 20, 0x13, 0xc4],
            wire("SBC.example.org").as_slice(),
        ]
        .concat();
        let address = vec![192, 0, 2, 1];
        message(
            0x8180,
            "_sip._udp.Example.org",
            33,
            &[(33, 60, data), (1, 61, address), (16, 1, vec![1, b'x'])],
        )
    }

    fn naptr() -> Vec<u8> {
        let mut data = vec![0, 1, 0, 2, 1];
        data.extend(b"s");
        data.push(7);
        data.extend(b"SIP+D2U");
        data.push(0);
        data.extend(wire("_sip._udp.example.org"));
        message(0x8180, "example.org", 35, &[(35, 60, data)])
    }

    #[test]
    fn answers_that_lead_to_servers_are_read() {
        let read = DnsMessage::parse(&srv()).expect("a message");
        assert!(read.is_response && !read.is_truncated && read.rcode == 0);
        assert_eq!(
            (read.name.as_str(), read.kind, read.id),
            ("_sip._udp.example.org", DnsKind::Srv, 0x1234)
        );
        let said: Vec<String> = read
            .answers
            .iter()
            .map(|answer| format!("{} {}", answer.ttl_s, answer.data))
            .collect();
        assert_eq!(said, ["60 10 20 5060 sbc.example.org", "61 192.0.2.1"]);
        let read = DnsMessage::parse(&naptr()).expect("a message");
        assert_eq!(
            read.answers[0].data.to_string(),
            r#"1 2 "s" "SIP+D2U" "" _sip._udp.example.org"#
        );
    }

    #[test]
    fn failures_are_named() {
        for (flags, rcode, truncated) in [
            (0x8183, "NXDOMAIN", false),
            (0x8182, "SERVFAIL", false),
            (0x8380, "NOERROR", true),
            (0x818b, "RCODE11", false),
        ] {
            let read = DnsMessage::parse(&message(flags, "a.b", 28, &[])).expect("a message");
            assert_eq!(rcode_name(read.rcode), rcode);
            assert_eq!((read.is_truncated, read.kind), (truncated, DnsKind::Aaaa));
        }
    }

    #[test]
    fn m059_hostile_messages_end() {
        // A name that points at itself, and one that points past the end.
        for pointer in [[0xc0, 12], [0xff, 0xff]] {
            let mut octets = message(0x8180, "a.b", 1, &[]);
            octets.truncate(12);
            octets.extend(pointer);
            octets.extend([0, 1, 0, 1]);
            assert_eq!(DnsMessage::parse(&octets), None);
        }
        for octets in [srv(), naptr()] {
            let whole = DnsMessage::parse(&octets).expect("a message");
            for cut in 0..octets.len() {
                let read = DnsMessage::parse(&octets[..cut]);
                let told = read.map_or_else(Vec::new, |read| read.answers);
                assert!(whole.answers.starts_with(&told), "{cut}");
            }
        }
        for (count, kept, cut) in [(64, 64, false), (65, 64, true)] {
            let answers = vec![(1, 1, vec![192, 0, 2, 1]); count];
            let read = DnsMessage::parse(&message(0x8180, "a.b", 1, &answers)).expect("some");
            assert_eq!((read.answers.len(), read.is_cut), (kept, cut));
        }
    }
}
