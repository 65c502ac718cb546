//! What the engine must know of a message beside its octets.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::link::{Network, Tunnel};
use crate::net::Flow;
use crate::octets;
use crate::packet::PacketRef;
use crate::sdp::SessionDescription;
use crate::sip::{Method, SipMessage, StartLine};

/// What the engine must know of a message beside its octets.
#[derive(Debug)]
pub(in crate::engine) struct Facts<'m, 'a> {
    pub message: &'m SipMessage<'a>,
    pub at: PacketRef,
    pub flow: Flow,
    pub network: Option<Network>,
    /// Of the octets.
    pub hash: u64,
    pub method: Method,
    /// `None` for a request.
    pub status: Option<u16>,
    pub is_response: bool,
    pub cseq: u32,
    pub from_tag: Cow<'a, str>,
    pub to_tag: Option<Cow<'a, str>>,
    /// Whether the capture cut it.
    pub is_cut: bool,
    /// In how many packets it came.
    pub packets: u32,
    /// Through which tunnel it came.
    pub tunnel: Option<Tunnel>,
    description: OnceCell<Arc<SessionDescription>>,
}

impl<'m, 'a> Facts<'m, 'a> {
    pub(in crate::engine) fn of(
        message: &'m SipMessage<'a>,
        at: PacketRef,
        flow: Flow,
        network: Option<Network>,
    ) -> Self {
        let cseq = message.cseq().ok();
        let tag = |value: Option<&'a [u8]>| value.map(octets::text_of);
        let (method, status, is_response) = match message.start_line() {
            StartLine::Request { method, .. } => (method.clone(), None, false),
            StartLine::Response { status_code, .. } => {
                let method = cseq.as_ref().map(|cseq| cseq.method.clone());
                let unknown = Method::Other("".into());
                (method.unwrap_or(unknown), *status_code, true)
            }
        };
        Self {
            message,
            at,
            flow,
            network,
            hash: digest(message.octets()),
            method,
            status,
            is_response,
            cseq: cseq.map_or(0, |cseq| cseq.number),
            from_tag: tag(message.from().and_then(|from| from.tag())).unwrap_or_default(),
            to_tag: tag(message.to().and_then(|to| to.tag())),
            is_cut: false,
            packets: 1,
            tunnel: None,
            description: OnceCell::new(),
        }
    }

    /// Its session description, read once.
    pub(in crate::engine) fn description(&self) -> Option<Arc<SessionDescription>> {
        let body = self.message.sdp().filter(|body| !body.is_empty())?;
        let read = || Arc::new(SessionDescription::parse(body));
        Some(Arc::clone(self.description.get_or_init(read)))
    }
}

/// A digest that is the same in every run: results may depend on it.
pub(in crate::engine) fn digest(value: impl Hash) -> u64 {
    FixedState::with_seed(0).hash_one(value)
}

/// Whether a message is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was not seen before.
    New,
    /// It was sent again.
    Retransmission,
    /// It was sent once and captured again: elsewhere, or twice.
    Duplicate,
}

/// RFC 3261, 17.2.3: the branch names a transaction if it has the cookie; else
/// From tag, CSeq and top `Via` do (17.2.3, as RFC 2543 had it). The ACK to a
/// failed INVITE has the INVITE's branch and belongs to it.
pub(super) fn transaction_key(facts: &Facts<'_, '_>) -> u64 {
    let method = match &facts.method {
        Method::Ack => Method::Invite,
        other => other.clone(),
    };
    let via = facts.message.top_via().ok();
    let branch = via.and_then(|via| via.branch);
    match branch.filter(|branch| branch.starts_with(crate::sip::MAGIC_COOKIE.as_bytes())) {
        Some(branch) => digest((branch, facts.cseq, method)),
        None => digest((
            via.map(|via| via.sent_by),
            branch,
            &facts.from_tag,
            facts.cseq,
            method,
        )),
    }
}
