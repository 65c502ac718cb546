//! Everything under one Call-ID: transactions on each hop, the exchanges they
//! carry end to end, dialogs, and what was agreed to send.

mod copies;
mod exchange;
mod offer_answer;
mod opening;

pub use exchange::{Exchange, Purpose};
pub use opening::{Opening, Party};

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use self::copies::Copy;
use super::Closed;
use super::dialog::{Dialog, DialogState};
use super::frames::Frames;
use super::limits::{Limit, Limits};
use super::session::{Address, Session, Side};
use super::table::{Entry, Handle};
use super::transaction::{FinalResponse, Transaction};
use crate::link::Network;
use crate::net::Flow;
use crate::octets;
use crate::packet::PacketRef;
use crate::sip::header::{HeaderName, Reason};
use crate::sip::transaction::{Input, State};
use crate::sip::{Method, SipMessage, StartLine};
use crate::time::Timestamp;

/// All that passed under one Call-ID.
#[derive(Debug)]
pub struct Call {
    /// Unique in the run, in the order of first messages.
    pub serial: u64,
    /// Place among the calls alone, from 1; `None` while no message of it
    /// belongs to a call (registrations, pings).
    pub index: Option<u64>,
    /// The Call-ID.
    pub call_id: String,
    /// Its first message.
    pub first: PacketRef,
    /// Its last message.
    pub last: Timestamp,
    /// What the first request said.
    pub opening: Opening,
    /// Whether the request that began it was captured.
    pub start_seen: bool,
    /// Tags of whoever sent an INVITE outside a dialog.
    pub caller_tags: SmallVec<[String; 1]>,
    /// On each hop, in the order of first messages.
    pub transactions: Vec<Transaction>,
    /// End to end, in the order of first messages.
    pub exchanges: Vec<Exchange>,
    /// In the order in which they arose.
    pub dialogs: Vec<Dialog>,
    /// What was agreed to send.
    pub session: Session,
    /// Its frames.
    pub frames: Frames,
    /// Messages, without copies of any kind.
    pub messages: u64,
    /// Copies that were sent again.
    pub retransmissions: u64,
    /// Copies that were captured again.
    pub duplicates: u64,
    /// Where each side's own messages were seen to come from.
    pub vantages: Vec<Vantage>,
    /// RTP streams tied to it.
    pub streams: Vec<Handle>,
    /// Values of the header fields asked for, first seen.
    pub headers: Vec<(String, String)>,
    /// `Reason` of the request that ended it.
    pub reason: Option<String>,
    /// Q.850 cause of that `Reason`.
    pub q850: Option<u64>,
    /// `Warning` of the final response.
    pub warning: Option<String>,
    /// Session timer (RFC 4028): interval in seconds and who refreshes.
    pub session_timer: Option<(u64, Option<String>)>,
    /// The last successful refresh of the session.
    pub last_refresh: Option<Timestamp>,
    /// Calls that it led to, or that led to it.
    pub ties: Vec<Tie>,
    copies: VecDeque<Copy>,
    pub(super) cost: usize,
}

/// Where a side's own messages were seen to come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vantage {
    /// Whose.
    pub side: Side,
    /// Where they were captured.
    pub capture_point: crate::packet::CapturePoint,
    /// From which address.
    pub ip: std::net::IpAddr,
    /// With how many hops left to go, at most.
    pub ttl: u8,
    /// Whether a request was seen, which only its maker can have sent; a
    /// response may come from a proxy on the way.
    pub by_request: bool,
}

/// A tie to another call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tie {
    /// The other Call-ID.
    pub call_id: String,
    /// What ties them.
    pub kind: &'static str,
    /// Why it is believed.
    pub reason: String,
}

/// What the engine must know of a message beside its octets.
#[derive(Debug)]
pub(super) struct Facts<'m, 'a> {
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
    pub from_tag: String,
    pub to_tag: Option<String>,
}

impl<'m, 'a> Facts<'m, 'a> {
    pub(super) fn of(
        message: &'m SipMessage<'a>,
        at: PacketRef,
        flow: Flow,
        network: Option<Network>,
    ) -> Self {
        let cseq = message.cseq().ok();
        let tag = |value: Option<&[u8]>| value.map(octets::text);
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
        }
    }
}

/// A digest that is the same in every run: results may depend on it.
pub(super) fn digest(value: impl Hash) -> u64 {
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

/// What a message led to, for the engine to act on.
#[derive(Debug)]
pub(super) struct Handled {
    pub seen: Seen,
    /// Its transaction, for ICMP errors that quote it.
    pub transaction: Option<usize>,
    /// Media addresses that are claimed for the first time.
    pub claimed: Vec<Address>,
    /// ICE user fragments that are claimed for the first time.
    pub ufrags: Vec<(String, Side, u8)>,
    /// A bound inside the call that was reached.
    pub limit: Option<Limit>,
    /// A transfer that was asked for: to whom.
    pub transfer_to: Option<String>,
    /// Whether this is the INVITE that begins a call.
    pub begins_call: bool,
}

impl Call {
    pub(super) fn new(serial: u64, call_id: String, facts: &Facts<'_, '_>) -> Self {
        Self {
            serial,
            index: None,
            call_id,
            first: facts.at,
            last: facts.at.timestamp,
            opening: Opening::default(),
            start_seen: false,
            caller_tags: SmallVec::new(),
            transactions: Vec::new(),
            exchanges: Vec::new(),
            dialogs: Vec::new(),
            session: Session::default(),
            frames: Frames::default(),
            messages: 0,
            retransmissions: 0,
            duplicates: 0,
            vantages: Vec::new(),
            streams: Vec::new(),
            headers: Vec::new(),
            reason: None,
            q850: None,
            warning: None,
            session_timer: None,
            last_refresh: None,
            ties: Vec::new(),
            copies: VecDeque::new(),
            cost: 0,
        }
    }

    /// Takes one message of this Call-ID. `packets_of` tells a stream's serial
    /// and its packets so far, for the beginning of an epoch.
    pub(super) fn handle(
        &mut self,
        facts: &Facts<'_, '_>,
        next_serial: &mut u64,
        limits: &Limits,
        packets_of: &dyn Fn(Handle) -> Option<(u64, u64)>,
    ) -> Handled {
        self.last = self.last.max(facts.at.timestamp);
        self.frames.add(facts.at, limits.frames);
        let mut handled = Handled {
            seen: self.classify(facts, limits),
            transaction: None,
            claimed: Vec::new(),
            ufrags: Vec::new(),
            limit: None,
            transfer_to: None,
            begins_call: false,
        };
        match handled.seen {
            Seen::New => self.messages = self.messages.saturating_add(1),
            Seen::Retransmission => self.retransmissions = self.retransmissions.saturating_add(1),
            Seen::Duplicate => self.duplicates = self.duplicates.saturating_add(1),
        }
        let key = transaction_key(facts);
        let known = self
            .transactions
            .iter()
            .rposition(|transaction| transaction.key == key);
        let number = match known {
            Some(number) => number,
            None if self.transactions.len() >= limits.transactions_per_call => {
                handled.limit = Some(Limit::TransactionsPerCall);
                return handled;
            }
            None => {
                self.open(facts, key, next_serial);
                self.transactions.len() - 1
            }
        };
        handled.transaction = Some(number);
        if let Some(transaction) = self.transactions.get_mut(number) {
            transaction.frames.add(facts.at, limits.frames);
            let view_is_known = transaction.views.iter().any(|(at, flow)| {
                at.capture_point == facts.at.capture_point
                    && (*flow == facts.flow || *flow == facts.flow.reversed())
            });
            if !view_is_known && transaction.views.len() < 16 {
                let flow = if facts.is_response {
                    facts.flow.reversed()
                } else {
                    facts.flow
                };
                transaction.views.push((facts.at, flow));
            }
        }
        match handled.seen {
            Seen::Duplicate => {}
            Seen::Retransmission => self.repeat(facts, number),
            Seen::New if facts.is_response => self.response(facts, number, &mut handled, limits),
            Seen::New => self.request(facts, number, &mut handled),
        }
        self.watch(facts, number);
        self.offer_answer(facts, number, &mut handled, limits, packets_of);
        handled
    }

    /// Begins a transaction, and its exchange if it is the first to carry it.
    fn open(&mut self, facts: &Facts<'_, '_>, key: u64, next_serial: &mut u64) {
        let exchange = self
            .exchanges
            .iter()
            .rposition(|exchange| {
                exchange.cseq == facts.cseq
                    && exchange.method == facts.method
                    && exchange.from_tag == facts.from_tag
            })
            .unwrap_or_else(|| {
                self.exchanges.push(Exchange::new(facts));
                self.exchanges.len() - 1
            });
        if let Some(exchange) = self.exchanges.get_mut(exchange) {
            exchange.transactions.push(self.transactions.len());
        }
        let via = facts.message.top_via().ok();
        let (started, request_uri, flow) = match facts.message.start_line() {
            StartLine::Request { request_uri, .. } => (
                Some(facts.at.timestamp),
                Some(octets::text(request_uri)),
                facts.flow,
            ),
            StartLine::Response { .. } => (None, None, facts.flow.reversed()),
        };
        self.transactions.push(Transaction {
            key,
            exchange,
            registration: None,
            serial: *next_serial,
            method: facts.method.clone(),
            branch: via.and_then(|via| via.branch).map(octets::text),
            cseq: facts.cseq,
            flow,
            request_uri,
            via_count: facts.message.via_count(),
            first: facts.at,
            started,
            state: State::default(),
            first_response: None,
            ringing: None,
            final_response: None,
            retransmissions: 0,
            answer_retransmissions: 0,
            received: None,
            rport: None,
            acknowledged: None,
            icmp: None,
            frames: Frames::default(),
            views: SmallVec::new(),
        });
        *next_serial = next_serial.saturating_add(1);
    }

    fn repeat(&mut self, facts: &Facts<'_, '_>, number: usize) {
        let Some(transaction) = self.transactions.get_mut(number) else {
            return;
        };
        transaction.retransmissions = transaction.retransmissions.saturating_add(1);
        let is_answer = facts
            .status
            .is_some_and(|status| (200..300).contains(&status));
        if is_answer && facts.method == Method::Invite {
            transaction.answer_retransmissions =
                transaction.answer_retransmissions.saturating_add(1);
        }
    }

    /// A request, seen for the first time on this hop.
    fn request(&mut self, facts: &Facts<'_, '_>, number: usize, handled: &mut Handled) {
        let at = facts.at.timestamp;
        let Some(transaction) = self.transactions.get_mut(number) else {
            return;
        };
        if facts.method == Method::Ack {
            if transaction.method == Method::Invite {
                transaction.state = transaction.state.after(true, Input::Ack);
                transaction.acknowledged.get_or_insert(at);
            }
            self.acknowledge(facts);
            return;
        }
        transaction.started.get_or_insert(at);
        if transaction.request_uri.is_none()
            && let StartLine::Request { request_uri, .. } = facts.message.start_line()
        {
            transaction.request_uri = Some(octets::text(request_uri));
        }
        let exchange_number = transaction.exchange;
        let outside = facts.to_tag.is_none();
        if !self.opening.is_set() || (facts.method == Method::Invite && !self.is_session()) {
            self.opening = Opening::of(facts);
        }
        if facts.method == Method::Invite && outside {
            handled.begins_call = !self.start_seen;
            self.start_seen = true;
            if !self.caller_tags.contains(&facts.from_tag) && self.caller_tags.len() < 16 {
                self.caller_tags.push(facts.from_tag.clone());
            }
        } else if self.caller_tags.is_empty() && is_session_method(&facts.method) {
            // The capture began inside the call: whoever speaks first counts
            // as its caller.
            self.caller_tags.push(facts.from_tag.clone());
        }
        let by = self.side_of(&facts.from_tag);
        match facts.method {
            Method::Cancel => {
                let invite = self.exchanges.iter_mut().rfind(|exchange| {
                    exchange.method == Method::Invite
                        && exchange.cseq == facts.cseq
                        && exchange.from_tag == facts.from_tag
                });
                if let Some(invite) = invite {
                    invite.cancelled.get_or_insert(at);
                }
            }
            Method::Bye => {
                let to_tag = facts.to_tag.as_deref().unwrap_or_default();
                let mut known = false;
                for dialog in &mut self.dialogs {
                    if dialog.has_tags(&facts.from_tag, to_tag) {
                        dialog.state = DialogState::Terminated;
                        known = true;
                    }
                }
                if !known && !self.start_seen {
                    for dialog in &mut self.dialogs {
                        dialog.state = DialogState::Terminated;
                    }
                }
            }
            Method::Refer => {
                handled.transfer_to = facts.message.value(HeaderName::ReferTo).map(octets::text);
            }
            _ => {}
        }
        if matches!(facts.method, Method::Bye | Method::Cancel) && self.reason.is_none() {
            self.take_reason(facts);
        }
        let progress = (facts.method == Method::Notify)
            .then(|| exchange::transfer_progress(facts.message))
            .flatten();
        if let Some(exchange) = self.exchanges.get_mut(exchange_number) {
            exchange.by = Some(by);
            exchange.begin(facts);
        }
        if let Some(status) = progress {
            let refer = self.exchanges.iter_mut().rfind(|exchange| {
                exchange.method == Method::Refer && exchange.by == Some(by.other())
            });
            if let Some(refer) = refer {
                refer.transfer_status = Some(status);
            }
        }
    }

    fn take_reason(&mut self, facts: &Facts<'_, '_>) {
        for value in facts.message.values(HeaderName::Reason) {
            let reason = Reason::parse(value);
            if reason.protocol.eq_ignore_ascii_case(b"Q.850") {
                self.q850 = reason.cause;
            }
            self.reason.get_or_insert_with(|| octets::text(value));
        }
    }

    /// An ACK that reached some hop: does it reach whoever answered?
    fn acknowledge(&mut self, facts: &Facts<'_, '_>) {
        let invite = self.exchanges.iter_mut().rfind(|exchange| {
            exchange.method == Method::Invite
                && exchange.cseq == facts.cseq
                && exchange.from_tag == facts.from_tag
        });
        if let Some(invite) = invite {
            invite.acknowledged.get_or_insert(facts.at.timestamp);
            if invite
                .answerer
                .is_some_and(|answerer| answerer.ip == facts.flow.dst.ip)
            {
                invite.acknowledged_to_answerer = true;
            }
        }
    }

    /// A response, seen for the first time on this hop.
    fn response(
        &mut self,
        facts: &Facts<'_, '_>,
        number: usize,
        handled: &mut Handled,
        limits: &Limits,
    ) {
        let at = facts.at.timestamp;
        let status = facts.status.unwrap_or_default();
        let is_invite = facts.method == Method::Invite;
        if !self.opening.is_set() {
            self.opening = Opening::of(facts);
        }
        if self.caller_tags.is_empty() && is_session_method(&facts.method) {
            self.caller_tags.push(facts.from_tag.clone());
        }
        let by = self.side_of(&facts.from_tag);
        let StartLine::Response { reason_phrase, .. } = facts.message.start_line() else {
            return;
        };
        let Some(transaction) = self.transactions.get_mut(number) else {
            return;
        };
        transaction.state = transaction.state.after(is_invite, input_of(status));
        transaction.first_response.get_or_insert(at);
        if (101..200).contains(&status) {
            transaction.ringing.get_or_insert(at);
        }
        if let Ok(via) = facts.message.top_via() {
            let keep = |kept: &mut Option<String>, value: Option<&[u8]>| {
                if kept.is_none() {
                    *kept = value.filter(|value| !value.is_empty()).map(octets::text);
                }
            };
            keep(&mut transaction.received, via.received);
            keep(&mut transaction.rport, via.rport);
        }
        if status >= 200 {
            let response = FinalResponse {
                status_code: status,
                reason_phrase: octets::text(reason_phrase),
                at,
                by: facts.flow.src,
                to_tag: facts.to_tag.clone(),
            };
            // A 2xx after a failure on the same branch would be a fork's.
            let better = transaction
                .final_response
                .as_ref()
                .is_none_or(|known| known.status_code >= 300 && status < 300);
            if better {
                transaction.final_response = Some(response);
            }
        }
        let exchange_number = transaction.exchange;
        if let Some(exchange) = self.exchanges.get_mut(exchange_number) {
            exchange.by.get_or_insert(by);
            exchange.answered_by(facts);
        }
        if is_invite {
            self.advance_dialogs(facts, status, handled, limits);
        }
        if status >= 300
            && is_invite
            && let Some(warning) = facts.message.value(HeaderName::Warning)
        {
            self.warning = Some(octets::text(warning));
        }
        if status >= 300 && self.reason.is_none() {
            self.take_reason(facts);
        }
        if (200..300).contains(&status) && matches!(facts.method, Method::Invite | Method::Update) {
            if let Some(value) = facts.message.value(HeaderName::SessionExpires) {
                let seconds = value.split(|octet| *octet == b';').next();
                let refresher = crate::sip::header::parameter(
                    octets::from(value, memchr::memchr(b';', value).unwrap_or(value.len())),
                    "refresher",
                );
                if let Some(seconds) =
                    seconds.and_then(|digits| octets::decimal(digits.trim_ascii()))
                {
                    self.session_timer = Some((seconds, refresher.map(octets::text)));
                }
            }
            self.last_refresh = Some(at);
        }
    }

    fn advance_dialogs(
        &mut self,
        facts: &Facts<'_, '_>,
        status: u16,
        handled: &mut Handled,
        limits: &Limits,
    ) {
        let known = |dialog: &&mut Dialog, to_tag: &str| dialog.has_tags(&facts.from_tag, to_tag);
        if let (101..300, Some(to_tag)) = (status, &facts.to_tag) {
            let state = if status < 200 {
                DialogState::Early
            } else {
                DialogState::Confirmed
            };
            let room = self.dialogs.len() < limits.dialogs_per_call;
            match self.dialogs.iter_mut().find(|dialog| known(dialog, to_tag)) {
                Some(dialog) => {
                    if dialog.state == DialogState::Early {
                        dialog.state = state;
                    }
                    dialog.was_confirmed |= state == DialogState::Confirmed;
                }
                None if room => self.dialogs.push(Dialog {
                    from_tag: facts.from_tag.clone(),
                    to_tag: to_tag.clone(),
                    state,
                    was_confirmed: state == DialogState::Confirmed,
                }),
                None => handled.limit = Some(Limit::DialogsPerCall),
            }
        } else if status >= 300 {
            // The failure of the INVITE ends every early dialog it made.
            for dialog in &mut self.dialogs {
                if dialog.state == DialogState::Early && dialog.from_tag == facts.from_tag {
                    dialog.state = DialogState::Terminated;
                }
            }
        }
    }

    /// Keeps where a side's own messages come from: a request on the first hop
    /// of its exchange, a response from whoever answered.
    fn watch(&mut self, facts: &Facts<'_, '_>, number: usize) {
        let Some(network) = facts.network else { return };
        let Some(transaction) = self.transactions.get(number) else {
            return;
        };
        let Some(exchange) = self.exchanges.get(transaction.exchange) else {
            return;
        };
        let Some(by) = exchange.by else { return };
        let side = if facts.is_response {
            if exchange.answerer.map(|answerer| answerer.port) != Some(facts.flow.src.port)
                || exchange.answer_transaction != Some(number)
                || !exchange.reached_the_end
            {
                return;
            }
            by.other()
        } else if exchange.transactions.first() == Some(&number) && transaction.via_count <= 1 {
            by
        } else {
            return;
        };
        let room = self.vantages.len() < 32;
        let known = self.vantages.iter_mut().find(|known| {
            known.side == side
                && known.capture_point == facts.at.capture_point
                && known.ip == facts.flow.src.ip
        });
        match known {
            Some(known) => {
                known.ttl = known.ttl.max(network.ttl);
                known.by_request |= !facts.is_response;
            }
            None if room => self.vantages.push(Vantage {
                side,
                capture_point: facts.at.capture_point,
                ip: facts.flow.src.ip,
                ttl: network.ttl,
                by_request: !facts.is_response,
            }),
            None => {}
        }
    }

    /// Which side uses this From tag.
    pub(super) fn side_of(&self, from_tag: &str) -> Side {
        if self.caller_tags.iter().any(|tag| tag == from_tag) {
            Side::Caller
        } else {
            Side::Callee
        }
    }

    /// Whether it is a call: an INVITE, or what happens inside one.
    #[must_use]
    pub fn is_session(&self) -> bool {
        self.exchanges
            .iter()
            .any(|exchange| is_session_method(&exchange.method))
    }

    /// Whether a dialog stands.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.dialogs
            .iter()
            .any(|dialog| dialog.state == DialogState::Confirmed)
    }

    /// Whether an INVITE or another request waits for its final response.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.exchanges.iter().any(|exchange| {
            exchange.method != Method::Ack
                && !exchange
                    .transactions
                    .iter()
                    .filter_map(|&number| self.transactions.get(number))
                    .any(|transaction| transaction.state.is_final())
        })
    }

    /// The transaction nearest to whoever made the request.
    #[must_use]
    pub fn first_hop(&self, exchange: &Exchange) -> Option<&Transaction> {
        exchange
            .transactions
            .iter()
            .filter_map(|&number| self.transactions.get(number))
            .find(|transaction| transaction.started.is_some())
            .or_else(|| self.transactions.get(*exchange.transactions.first()?))
    }

    /// The final response as whoever made the request saw it, or the best that
    /// was captured.
    #[must_use]
    pub fn final_of(&self, exchange: &Exchange) -> Option<&FinalResponse> {
        self.first_hop(exchange)
            .and_then(|transaction| transaction.final_response.as_ref())
            .or_else(|| {
                exchange
                    .transactions
                    .iter()
                    .filter_map(|&number| self.transactions.get(number))
                    .filter_map(|transaction| transaction.final_response.as_ref())
                    .min_by_key(|response| response.status_code)
            })
    }

    /// Octets held, about; the lists are not walked, so that a long call costs
    /// no more per message than a short one.
    pub(super) fn measure(&self) -> usize {
        size_of::<Self>()
            + self.call_id.len() * 2
            + self.opening.cost()
            + self.transactions.len() * (size_of::<Transaction>() + 200)
            + self.exchanges.len() * (size_of::<Exchange>() + 50)
            + self.dialogs.len() * 128
            + self.session.cost()
            + self.frames.cost()
            + self.copies.len() * size_of::<Copy>()
    }
}

impl Entry for Call {
    fn last_seen(&self) -> Timestamp {
        self.last
    }

    /// What is finished leaves before what rings, and that before what talks.
    fn rank(&self) -> u8 {
        if self.is_up() {
            2
        } else {
            u8::from(self.is_session() && self.is_pending())
        }
    }
}

/// A call that ended, or had to leave.
#[derive(Debug)]
pub struct ClosedCall {
    /// The call.
    pub call: Call,
    /// Its streams, closed with it.
    pub streams: Vec<super::rtp_stream::RtpStream>,
    /// Those of its hosts that were seen to pass requests on.
    pub proxies: Vec<crate::net::Endpoint>,
    /// Whether any RTP was captured at all, so that none means something.
    pub rtp_was_captured: bool,
    /// Why it left.
    pub closed: Closed,
    /// The engine's clock at that moment.
    pub at: Timestamp,
}

/// Whether a method belongs to calls alone.
fn is_session_method(method: &Method) -> bool {
    matches!(
        method,
        Method::Invite
            | Method::Ack
            | Method::Bye
            | Method::Cancel
            | Method::Prack
            | Method::Update
    )
}

fn input_of(status: u16) -> Input {
    match status {
        0..=199 => Input::Provisional,
        200..=299 => Input::Success,
        _ => Input::Failure,
    }
}

/// RFC 3261, 17.2.3: the branch names a transaction if it has the cookie; else
/// From tag, CSeq and top `Via` do (17.2.3, as RFC 2543 had it). The ACK to a
/// failed INVITE has the INVITE's branch and belongs to it.
fn transaction_key(facts: &Facts<'_, '_>) -> u64 {
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
