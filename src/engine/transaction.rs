//! One request on one hop, and what answered it (RFC 3261, 17).

use smallvec::SmallVec;

use super::frames::Frames;
use super::pace::Pace;
use crate::link::IcmpKind;
use crate::net::{Endpoint, Flow};
use crate::packet::PacketRef;
use crate::sip::Method;
use crate::sip::transaction::State;
use crate::time::Timestamp;

/// A transaction on one hop.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Identifies it within its Call-ID: branch, sent-by and method.
    pub(super) key: u64,
    /// Its place in its Call-ID's list of exchanges.
    pub(super) exchange: usize,
    /// The registration that it is about.
    pub(super) registration: Option<super::table::Handle>,
    /// Unique in the run, in the order of first messages.
    pub serial: u64,
    /// The method; that of the INVITE for its ACK.
    pub method: Method,
    /// The top `Via` branch.
    pub branch: Option<String>,
    /// The CSeq number.
    pub cseq: u32,
    /// From the one who asks to the one who is asked.
    pub flow: Flow,
    /// Of whom it asks.
    pub request_uri: Option<String>,
    /// How many hosts the request had passed.
    pub via_count: usize,
    /// Its first message.
    pub first: PacketRef,
    /// When the request was first sent; `None` if the capture lacks it.
    pub started: Option<Timestamp>,
    /// Where it stands.
    pub state: State,
    /// The first response of any kind.
    pub first_response: Option<Timestamp>,
    /// The first provisional response but 100.
    pub ringing: Option<Timestamp>,
    /// The final response.
    pub final_response: Option<FinalResponse>,
    /// Copies of the request or its responses that were sent again.
    pub retransmissions: u64,
    /// When copies of the request were sent.
    pub pace: Pace,
    /// Copies of a 2xx to an INVITE that were sent again.
    pub answer_retransmissions: u64,
    /// Copies of a failure of an INVITE that were sent again.
    pub failure_retransmissions: u64,
    /// Copies of the request that were sent well after a provisional response
    /// passed.
    pub after_provisional: u64,
    /// Copies of the request that were sent well after the final response
    /// passed.
    pub after_final: u64,
    /// `received` of the top `Via` in a response.
    pub received: Option<String>,
    /// `rport` of the top `Via` in a response.
    pub rport: Option<String>,
    /// The ACK to a failed INVITE.
    pub acknowledged: Option<Timestamp>,
    /// An ICMP error that quotes the request, and when it came.
    pub icmp: Option<(IcmpKind, Timestamp)>,
    /// The packet with which whoever is asked closed the connection before any final
    /// response came.
    pub closed: Option<PacketRef>,
    /// Its frames.
    pub frames: Frames,
    /// Where else the same messages were seen: other capture points, or other
    /// addresses on the far side of a NAT.
    pub views: SmallVec<[(PacketRef, Flow); 1]>,
}

/// A final response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalResponse {
    /// The status code.
    pub status_code: u16,
    /// Its text.
    pub reason_phrase: String,
    /// When it was first seen on this hop.
    pub at: Timestamp,
    /// Who sent it on this hop.
    pub by: Endpoint,
    /// Its To tag.
    pub to_tag: Option<String>,
}
