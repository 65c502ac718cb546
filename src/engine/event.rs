//! What the engine tells.

use std::collections::BTreeMap;
use std::fmt;

use super::call::{ClosedCall, Seen};
use super::connection::Connection;
use super::dns_lookup::DnsLookup;
use super::ice::IceSession;
use super::limits::Limit;
use super::registration::Registration;
use super::rtp_stream::RtpStream;
use super::stun_exchange::StunExchange;
use super::turn::TurnAllocation;
use crate::link::{Ignored, Tunnel};
use crate::net::Flow;
use crate::packet::PacketRef;
use crate::time::Timestamp;

/// Why an object left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It had ended.
    Completed,
    /// Nothing was heard of it for long.
    Idle,
    /// Others needed its room.
    Evicted,
    /// The capture ended.
    EndOfCapture,
}

/// Something learned.
#[derive(Debug)]
pub enum Event {
    /// A SIP message; only where they are asked for.
    Message(Box<MessageSeen>),
    /// What is to be sent on; only where it is asked for.
    Forward(Box<Forwarded>),
    /// All of one Call-ID, with its streams.
    Call(Box<ClosedCall>),
    /// A message that names no Call-ID and so belongs to nothing, as a call of
    /// its own.
    Stray(Box<ClosedCall>),
    /// A connection that carries SIP, or tries to.
    Connection(Box<Connection>),
    /// A DNS look-up that leads to a SIP server, or is meant to.
    Dns(Box<DnsLookup>),
    /// A device at a registrar.
    Registration(Box<Registration>),
    /// A STUN exchange that is over.
    Stun(Box<StunExchange>),
    /// A TURN allocation that is over.
    Turn(Box<TurnAllocation>),
    /// An ICE session that belongs to no call and is over.
    Ice(Box<IceSession>),
    /// A stream that belongs to no call.
    Stream(Box<RtpStream>),
}

/// A message or a report as it came.
#[derive(Clone, Debug)]
pub struct Forwarded {
    /// When.
    pub at: Timestamp,
    /// From whom to whom.
    pub flow: Flow,
    /// Whether it is RTCP; else it is SIP.
    pub is_rtcp: bool,
    /// The Call-ID that it belongs to.
    pub call_id: Option<String>,
    /// Its octets.
    pub octets: Box<[u8]>,
}

/// A SIP message that was seen.
#[derive(Clone, Debug)]
pub struct MessageSeen {
    /// Unique in the run.
    pub serial: u64,
    /// Where and when.
    pub at: PacketRef,
    /// From whom to whom.
    pub flow: Flow,
    /// Its octets, counted.
    pub length: usize,
    /// The packets that it came in.
    pub fragments: u32,
    /// The status of a response, if it has a good one.
    pub status: Option<u16>,
    /// Whether it is a response.
    pub is_response: bool,
    /// The method, that of the CSeq in a response.
    pub method: Option<String>,
    /// The reason phrase of a response.
    pub reason_phrase: Option<String>,
    /// `Call-ID`.
    pub call_id: Option<String>,
    /// The CSeq number.
    pub cseq: Option<u32>,
    /// The From tag.
    pub from_tag: Option<String>,
    /// The To tag.
    pub to_tag: Option<String>,
    /// The top branch.
    pub branch: Option<String>,
    /// `User-Agent` or `Server`.
    pub user_agent: Option<String>,
    /// Its session description, if it has one.
    pub sdp: Option<crate::sdp::SessionDescription>,
    /// Through which tunnel it came.
    pub tunnel: Option<Tunnel>,
    /// Header fields that were asked for.
    pub headers: Vec<(String, String)>,
    /// Whether it is new.
    pub seen: Seen,
}

/// Why a packet, or what one carries, is read no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unread {
    /// The packet itself could not be decoded further.
    Ignored(Ignored),
    /// What it carries is nothing that is followed.
    Because(&'static str),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignored(ignored) => ignored.fmt(f),
            Self::Because(reason) => f.write_str(reason),
        }
    }
}

/// Packets that were read no further, by reason. There are few reasons, and the next
/// packet mostly has that of the last: those that come often are looked at first.
#[derive(Clone, Debug, Default)]
pub struct UnreadCounts(Vec<(Unread, u64)>);

/// Reasons that are told apart; some hold numbers of the sender's choice.
const MAX_REASONS: usize = 256;
/// The others.
const OTHER_REASONS: Unread = Unread::Because("other reasons");

impl UnreadCounts {
    /// Counts one.
    pub(super) fn count(&mut self, reason: Unread) {
        let place = self.place(reason).unwrap_or_else(|| {
            let is_room = self.0.len() < MAX_REASONS;
            let reason = if is_room { reason } else { OTHER_REASONS };
            self.place(reason).unwrap_or_else(|| {
                self.0.push((reason, 0));
                self.0.len() - 1
            })
        });
        if let Some((_, count)) = self.0.get_mut(place) {
            *count += 1;
        }
        self.0.swap(place, place.saturating_sub(1));
    }

    #[inline]
    fn place(&self, reason: Unread) -> Option<usize> {
        self.0.iter().position(|(known, _)| *known == reason)
    }

    /// Each reason, and how many.
    pub fn iter(&self) -> impl Iterator<Item = (&Unread, u64)> {
        self.0.iter().map(|(reason, count)| (reason, *count))
    }
}

/// What passed, counted.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Packets handed in.
    pub packets: u64,
    /// Their octets on the wire.
    pub bytes: u64,
    /// The first packet's time.
    pub first: Option<Timestamp>,
    /// The latest packet's time.
    pub last: Option<Timestamp>,
    /// SIP messages, copies of every kind included.
    pub sip_messages: u64,
    /// Requests by method.
    pub requests: BTreeMap<String, u64>,
    /// Responses by status code; those without a good one under 0.
    pub responses: BTreeMap<u16, u64>,
    /// Messages sent again.
    pub retransmissions: u64,
    /// Messages captured again.
    pub duplicates: u64,
    /// Empty lines between messages, and datagrams of nothing else.
    pub keep_alives: u64,
    /// RTP packets of streams.
    pub rtp_packets: u64,
    /// Packets of fax (T.38).
    pub udptl_packets: u64,
    /// Messages of MSRP, answers among them.
    pub msrp_messages: u64,
    /// RTCP packets.
    pub rtcp_packets: u64,
    /// STUN messages.
    pub stun_messages: u64,
    /// DNS messages.
    pub dns_messages: u64,
    /// DNS look-ups that lead to no SIP server.
    pub dns_other: u64,
    /// Packets that were read no further, by reason.
    pub not_decoded: UnreadCounts,
    /// Octets of streams that belonged to no message.
    pub stream_octets_skipped: u64,
    /// Octets of streams that were not captured.
    pub stream_octets_missing: u64,
    /// SIP messages that a short capture length cut.
    pub truncated_messages: u64,
    /// Fragmented packets that were never complete.
    pub fragments_unfinished: u64,
    /// Bounds that were reached, how often, and when first.
    pub limits: BTreeMap<Limit, (u64, Timestamp)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packet_counts_and_so_many_reasons_are_told_apart() {
        let check = |reasons: u16, apart: usize, others: u64| {
            let mut counts = UnreadCounts::default();
            for number in (0..reasons).chain(0..reasons) {
                counts.count(Unread::Ignored(Ignored::EtherType(number)));
                counts.count(Unread::Because("one"));
            }
            let of = |wanted| counts.iter().find(|(known, _)| **known == wanted);
            assert_eq!(counts.iter().count(), apart, "{reasons}");
            let total: u64 = counts.iter().map(|(_, count)| count).sum();
            assert_eq!(total, 4 * u64::from(reasons));
            let first = of(Unread::Ignored(Ignored::EtherType(0)));
            assert_eq!(first.map(|own| own.1), Some(2));
            assert_eq!(of(OTHER_REASONS).map_or(0, |own| own.1), others);
        };
        check(1, 2, 0);
        check(255, 256, 0);
        check(256, 257, 2);
        check(300, 257, 90);
    }
}
