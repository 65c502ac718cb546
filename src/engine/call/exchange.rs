//! A request from one end to the other, over however many hops.

use smallvec::SmallVec;

use super::{Facts, Side};
use crate::net::{Endpoint, Flow};
use crate::octets;
use crate::packet::PacketRef;
use crate::sip::header::{ContentType, HeaderName};
use crate::sip::{Method, SipMessage};
use crate::time::Timestamp;

/// What a request inside a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To begin the call.
    Setup,
    /// To stop hearing the other, or to let it hear something else.
    Hold,
    /// To end that.
    Resume,
    /// To keep the session alive, with nothing changed.
    Refresh,
    /// Other codecs.
    CodecChange,
    /// Other addresses or media.
    MediaChange,
    /// Fax over UDPTL.
    T38,
    /// To make the other side call somebody else.
    Transfer,
    /// How a transfer goes.
    TransferProgress,
    /// To give up before the answer.
    Cancel,
    /// To end the call.
    Hangup,
    /// To confirm a provisional response.
    Prack,
    /// A digit.
    Dtmf,
    /// Anything else; the method says it.
    Other,
}

impl Purpose {
    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Hold => "hold",
            Self::Resume => "resume",
            Self::Refresh => "refresh",
            Self::CodecChange => "codec-change",
            Self::MediaChange => "media-change",
            Self::T38 => "t38",
            Self::Transfer => "transfer",
            Self::TransferProgress => "transfer-progress",
            Self::Cancel => "cancel",
            Self::Hangup => "hangup",
            Self::Prack => "prack",
            Self::Dtmf => "dtmf",
            Self::Other => "other",
        }
    }
}

/// A request and its answer, end to end.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The method.
    pub method: Method,
    /// The CSeq number.
    pub cseq: u32,
    /// The From tag.
    pub from_tag: String,
    /// Whether the request stands outside any dialog.
    pub is_outside: bool,
    /// Who made it; `None` if only parts were seen.
    pub by: Option<Side>,
    /// What it is for.
    pub purpose: Purpose,
    /// Its first message.
    pub first: PacketRef,
    /// The way of its first message, as a request goes.
    pub flow: Flow,
    /// Its transactions, in the order of first messages.
    pub transactions: SmallVec<[usize; 2]>,
    /// Who sent the first response other than 100 that was seen, nearest to
    /// where it arose.
    pub answerer: Option<Endpoint>,
    /// The transaction that response was seen in first.
    pub answer_transaction: Option<usize>,
    /// Whether the response came from the end of the way, not from a proxy on
    /// it that had not passed the request on.
    pub reached_the_end: bool,
    /// `User-Agent` or `Server` of the answerer.
    pub answerer_agent: Option<String>,
    /// When a CANCEL was first seen.
    pub cancelled: Option<Timestamp>,
    /// When an ACK was first seen.
    pub acknowledged: Option<Timestamp>,
    /// Whether an ACK was seen on its way to the answerer.
    pub acknowledged_to_answerer: bool,
    /// `Refer-To` of a REFER.
    pub refer_to: Option<String>,
    /// What a NOTIFY last said of the transfer.
    pub transfer_status: Option<u16>,
    /// The digit of an INFO.
    pub digit: Option<char>,
    /// Whose description has been seen in it, by side and tag.
    pub(super) described: SmallVec<[u64; 2]>,
}

impl Exchange {
    pub(super) fn new(facts: &Facts<'_, '_>) -> Self {
        Self {
            method: facts.method.clone(),
            cseq: facts.cseq,
            from_tag: facts.from_tag.clone().into_owned(),
            is_outside: !facts.is_response && facts.to_tag.is_none(),
            by: None,
            purpose: Purpose::Other,
            first: facts.at,
            flow: if facts.is_response {
                facts.flow.reversed()
            } else {
                facts.flow
            },
            transactions: SmallVec::new(),
            answerer: None,
            answer_transaction: None,
            reached_the_end: false,
            answerer_agent: None,
            cancelled: None,
            acknowledged: None,
            acknowledged_to_answerer: false,
            refer_to: None,
            transfer_status: None,
            digit: None,
            described: SmallVec::new(),
        }
    }

    /// The first request of it says what it is for, its offer aside.
    pub(super) fn begin(&mut self, facts: &Facts<'_, '_>) {
        if self.purpose != Purpose::Other {
            return;
        }
        self.purpose = match facts.method {
            Method::Invite if facts.to_tag.is_none() => Purpose::Setup,
            // Without an offer, or until one is read.
            Method::Invite | Method::Update => Purpose::Refresh,
            Method::Cancel => Purpose::Cancel,
            Method::Bye => Purpose::Hangup,
            Method::Prack => Purpose::Prack,
            Method::Refer => Purpose::Transfer,
            Method::Notify if is_refer_event(facts.message) => Purpose::TransferProgress,
            Method::Info => {
                self.digit = info_digit(facts.message);
                if self.digit.is_some() {
                    Purpose::Dtmf
                } else {
                    Purpose::Other
                }
            }
            _ => Purpose::Other,
        };
        if facts.method == Method::Refer {
            self.refer_to = facts.message.value(HeaderName::ReferTo).map(octets::text);
        }
    }

    /// Takes a response: the first of its kind that is seen is nearest to
    /// where it arose.
    pub(super) fn answered_by(&mut self, facts: &Facts<'_, '_>) {
        if facts.status.is_none_or(|status| status <= 100) {
            return;
        }
        let last = self.transactions.last().copied();
        let is_success = facts
            .status
            .is_some_and(|status| (200..300).contains(&status));
        if self.answerer.is_none() || (is_success && !self.reached_the_end) {
            self.answerer = Some(facts.flow.src);
            self.answer_transaction = last;
            // Whoever answers first on the last hop known has not passed the
            // request on. A challenge comes from a proxy as a rule.
            self.reached_the_end = !matches!(facts.status, Some(401 | 407));
            let agent = facts
                .message
                .value(HeaderName::UserAgent)
                .or_else(|| facts.message.value(HeaderName::Server));
            self.answerer_agent = agent.filter(|agent| !agent.is_empty()).map(octets::text);
        }
    }
}

fn is_refer_event(message: &SipMessage<'_>) -> bool {
    message.value(HeaderName::Event).is_some_and(|event| {
        let end = memchr::memchr(b';', event).unwrap_or(event.len());
        octets::span(event, 0, end)
            .trim_ascii()
            .eq_ignore_ascii_case(b"refer")
    })
}

/// The status in the `message/sipfrag` of a NOTIFY (RFC 3515, 2.4.4).
pub(super) fn transfer_progress(message: &SipMessage<'_>) -> Option<u16> {
    if !is_refer_event(message) {
        return None;
    }
    let body = message.body_of_type("message/sipfrag")?;
    let rest = octets::from(body, body.iter().position(|octet| *octet == b' ')?);
    let digits = octets::span(rest.trim_ascii_start(), 0, 3);
    u16::try_from(octets::decimal(digits)?).ok()
}

/// The digit of an INFO, in either of the two common forms.
fn info_digit(message: &SipMessage<'_>) -> Option<char> {
    let content_type = ContentType::parse(message.value(HeaderName::ContentType)?);
    let body = message.body();
    let text = if content_type.is("application/dtmf-relay") {
        let line = body
            .split(|octet| matches!(octet, b'\r' | b'\n'))
            .find(|line| {
                line.get(..7)
                    .is_some_and(|head| head.eq_ignore_ascii_case(b"signal="))
            })?;
        octets::from(line, 7)
    } else if content_type.is("application/dtmf") {
        body
    } else {
        return None;
    };
    let digit = char::from(*text.trim_ascii().first()?).to_ascii_uppercase();
    matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D').then_some(digit)
}
