//! What a rule sees of a call.

use crate::engine::call::{Call, ClosedCall, Exchange, KeptMessage};
use crate::engine::session::Side;
use crate::engine::transaction::Transaction;
use crate::net::Flow;
use crate::packet::PacketRef;
use crate::sip::header::HeaderName;
use crate::sip::transaction::TRANSACTION_TIMEOUT_NS;
use crate::sip::{Anomaly, Method, SipMessage, StartLine};
use crate::time::Timestamp;

/// What is known of the whole capture so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct CaptureFacts {
    /// The latest moment of the capture, as far as it is read.
    pub until: Timestamp,
}

impl CaptureFacts {
    /// Whether the capture went on for so long after `since`: only then does
    /// something missing mean anything.
    #[must_use]
    pub fn lasted(&self, since: Timestamp, nanoseconds: i64) -> bool {
        self.until.since(since) >= nanoseconds
    }
}

/// What was concluded of one agreed medium.
#[derive(Clone, Debug)]
pub struct MediaFact {
    /// `audio`, `video` and so on.
    pub kind: String,
    /// Who hears whom, in the words of the records.
    pub audio: Option<String>,
    /// What that rests on.
    pub reason: Option<String>,
    /// Whether ICE finds its way.
    pub is_ice: bool,
    /// Where the caller asked to be sent to.
    pub caller: Option<String>,
    /// Where the callee asked to be sent to.
    pub callee: Option<String>,
    /// ICMP errors that its packets met.
    pub icmp_errors: u64,
    /// How long the agreement stood, in nanoseconds.
    pub lasted_ns: i64,
}

/// One message of the call, parsed again.
#[derive(Debug)]
pub struct Message<'a> {
    /// Where it was captured, and its octets.
    pub kept: &'a KeptMessage,
    /// As it reads.
    pub sip: SipMessage<'a>,
    /// The method, that of the CSeq in a response.
    pub method: Method,
    /// `None` for a request.
    pub status: Option<u16>,
}

impl Message<'_> {
    pub(super) const fn at(&self) -> PacketRef {
        self.kept.at
    }

    pub(super) const fn flow(&self) -> Flow {
        self.kept.flow
    }

    /// Whether all of it is there, so that what is missing was never sent.
    pub(super) fn is_entire(&self) -> bool {
        !self.kept.is_cut && !self.sip.anomalies().contains(&Anomaly::NoBlankLine)
    }

    /// How it is spoken of: `INVITE`, or `200 to INVITE`.
    pub(super) fn called(&self) -> String {
        match self.status {
            Some(status) => format!("{status} to {}", self.method.as_str()),
            None => self.method.as_str().to_owned(),
        }
    }
}

/// A call, and what was concluded of it.
#[derive(Debug)]
pub struct CallContext<'a> {
    /// The call as it closed.
    pub closed: &'a ClosedCall,
    /// Its messages, as far as they are kept.
    pub messages: Vec<Message<'a>>,
    /// Its media.
    pub media: Vec<MediaFact>,
    /// The capture.
    pub capture: CaptureFacts,
}

impl<'a> CallContext<'a> {
    /// What rules are to see of a call.
    #[must_use]
    pub fn new(closed: &'a ClosedCall, media: Vec<MediaFact>, capture: CaptureFacts) -> Self {
        let messages = closed
            .call
            .kept
            .iter()
            .filter_map(|kept| {
                let sip = SipMessage::parse(&kept.octets)?;
                let of_cseq = || sip.cseq().ok().map(|cseq| cseq.method.clone());
                let (method, status) = match sip.start_line() {
                    StartLine::Request { method, .. } => (method.clone(), None),
                    StartLine::Response { status_code, .. } => {
                        let unknown = Method::Other("".into());
                        (of_cseq().unwrap_or(unknown), Some(status_code.unwrap_or(0)))
                    }
                };
                Some(Message {
                    kept,
                    sip,
                    method,
                    status,
                })
            })
            .collect();
        Self {
            closed,
            messages,
            media,
            capture,
        }
    }

    pub(super) const fn call(&self) -> &'a Call {
        &self.closed.call
    }

    /// Whether nothing of it was forgotten: only then does a message that is
    /// not there mean that it was not captured.
    pub(super) fn is_whole(&self) -> bool {
        self.call().kept.forgotten == 0
    }

    /// INVITEs that tried to begin the call.
    pub(super) fn attempts(&self) -> impl Iterator<Item = &'a Exchange> {
        let exchanges = self.call().exchanges.iter();
        exchanges.filter(|exchange| exchange.method == Method::Invite && exchange.is_outside)
    }

    pub(super) fn hops(&self, exchange: &'a Exchange) -> impl Iterator<Item = &'a Transaction> {
        let call = self.call();
        let hops = exchange.transactions.iter();
        hops.filter_map(|&number| call.transactions.get(number))
    }

    /// Whether the capture went on long enough after `since` for a transaction
    /// to time out (RFC 3261, 17: 64*T1).
    pub(super) fn timed_out(&self, since: Timestamp) -> bool {
        self.capture.lasted(since, TRANSACTION_TIMEOUT_NS)
    }

    pub(super) fn requests(&self, method: &Method) -> impl Iterator<Item = &Message<'a>> {
        let method = method.clone();
        let mut messages = self.messages.iter();
        std::iter::from_fn(move || {
            messages.find(|message| message.status.is_none() && message.method == method)
        })
    }

    pub(super) fn responses(&self) -> impl Iterator<Item = (u16, &Message<'a>)> {
        let messages = self.messages.iter();
        messages.filter_map(|message| Some((message.status?, message)))
    }

    /// Who uses a From tag.
    pub(super) fn side(&self, exchange: &Exchange) -> &'static str {
        exchange.by.map_or("unknown", Side::name)
    }
}

/// Whether a header field is there at all.
pub(super) fn has(message: &SipMessage<'_>, name: HeaderName) -> bool {
    message.value(name).is_some()
}
