//! Everything under one Call-ID: transactions on each hop, the exchanges they
//! carry end to end, dialogs, and what was agreed to send.

mod copies;
mod exchange;
mod facts;
mod kept;
mod offer_answer;
mod opening;
mod passage;
mod progress;
mod subscription;

pub use exchange::{Exchange, Purpose};
pub use facts::Seen;
use facts::transaction_key;
pub(super) use facts::{Facts, digest};
pub use kept::{Kept, KeptMessage};
pub use opening::{Opening, Party};
use passage::Crossing;
pub use passage::{Delay, Passage};
pub use subscription::{Said, Subscription};

use std::collections::VecDeque;

use smallvec::SmallVec;

use self::copies::Copy;
use super::Closed;
use super::dialog::{Dialog, DialogState};
use super::dtls::DtlsAssociation;
use super::fax::FaxStream;
use super::frames::Frames;
use super::limits::{Limit, Limits, Passed};
use super::msrp::MsrpSession;
use super::session::{Address, Session, Side};
use super::table::{Entry, Handle};
use super::transaction::{FinalResponse, Transaction};
use crate::link::Tunnel;
use crate::octets;
use crate::packet::PacketRef;
use crate::sdp::IcePassword;
use crate::sip::transaction::State;
use crate::sip::{Method, StartLine};
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
    /// Tunnels that its messages came through.
    pub tunnels: SmallVec<[Tunnel; 0]>,
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
    /// Handshakes of DTLS between its addresses.
    pub dtls: Vec<DtlsAssociation>,
    /// Messages of sessions that its descriptions name.
    pub msrp: Vec<MsrpSession>,
    /// Directions of fax tied to it.
    pub faxes: Vec<FaxStream>,
    /// ICE sessions of its media.
    pub(super) ice: SmallVec<[Handle; 0]>,
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
    /// Its messages.
    pub kept: Kept,
    /// Subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// The side that is the focus of a conference, and the conference's URI (RFC 4579).
    pub focus: Option<(Side, String)>,
    /// Calls that it led to, or that led to it.
    pub ties: Vec<Tie>,
    copies: VecDeque<Copy>,
    /// What passed from one capture point to another.
    crossings: Vec<Crossing>,
    pub(super) passed: Passed,
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
    /// How sure it is, in percent.
    pub score: u8,
    /// Why it is believed.
    pub reason: String,
}

/// How one call leads to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// By a REFER (RFC 3515): a party calls somebody else.
    Transfer,
    /// By a 3xx (RFC 3261, 8.1.3.4): the caller tries elsewhere.
    Redirection,
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
    pub ufrags: Vec<(String, Side, u8, Option<IcePassword>)>,
    /// Sessions of MSRP that are claimed for the first time.
    pub msrp: Vec<(String, Side, u8)>,
    /// Another call that was asked for: how, and to whom.
    pub leads_to: Option<(Lead, String)>,
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
            tunnels: SmallVec::new(),
            messages: 0,
            retransmissions: 0,
            duplicates: 0,
            vantages: Vec::new(),
            streams: Vec::new(),
            dtls: Vec::new(),
            msrp: Vec::new(),
            faxes: Vec::new(),
            ice: SmallVec::new(),
            headers: Vec::new(),
            reason: None,
            q850: None,
            warning: None,
            session_timer: None,
            last_refresh: None,
            kept: Kept::default(),
            subscriptions: Vec::new(),
            focus: None,
            ties: Vec::new(),
            copies: VecDeque::new(),
            crossings: Vec::new(),
            passed: Passed::default(),
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
        let room = self.frames.add(facts.at, limits);
        self.passed.unless(room, Limit::Places);
        if let Some(tunnel) = facts.tunnel
            && !self.tunnels.contains(&tunnel)
        {
            let room = self.tunnels.len() < limits.places;
            self.passed.unless(room, Limit::Places);
            if room {
                self.tunnels.push(tunnel);
            }
        }
        let mut handled = Handled {
            seen: self.classify(facts, limits),
            transaction: None,
            claimed: Vec::new(),
            ufrags: Vec::new(),
            msrp: Vec::new(),
            leads_to: None,
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
                self.passed.unless(false, Limit::TransactionsPerCall);
                self.kept.miss();
                return handled;
            }
            None => {
                self.open(facts, key, next_serial);
                self.transactions.len() - 1
            }
        };
        handled.transaction = Some(number);
        if let Some(transaction) = self.transactions.get_mut(number) {
            transaction.frames.add(facts.at, limits);
            let view_is_known = transaction.views.iter().any(|(at, flow)| {
                at.capture_point == facts.at.capture_point
                    && (*flow == facts.flow || *flow == facts.flow.reversed())
            });
            let room = transaction.views.len() < limits.places;
            self.passed.unless(view_is_known || room, Limit::Places);
            if !view_is_known && room {
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
            Seen::New => self.request(facts, number, &mut handled, limits),
        }
        if handled.seen == Seen::New {
            self.keep(facts, number, limits);
            self.subscription(facts, limits);
        }
        self.watch(facts, number, limits);
        self.offer_answer(facts, number, &mut handled, limits, packets_of);
        self.trickle(facts, &mut handled, limits);
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
                if self.exchanges.len() == self.exchanges.capacity() {
                    self.exchanges.reserve_exact(1 + self.exchanges.len() / 4);
                }
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
        // Most calls have three; a list that doubles would lie half empty.
        if self.transactions.len() == self.transactions.capacity() {
            self.transactions
                .reserve_exact(1 + self.transactions.len() / 4);
        }
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
            pace: super::pace::Pace::default(),
            answer_retransmissions: 0,
            failure_retransmissions: 0,
            after_provisional: 0,
            after_final: 0,
            received: None,
            rport: None,
            acknowledged: None,
            icmp: None,
            closed: None,
            frames: Frames::default(),
            views: SmallVec::new(),
        });
        *next_serial = next_serial.saturating_add(1);
    }

    /// Keeps where a side's own messages come from: a request on the first hop
    /// of its exchange, a response from whoever answered.
    fn watch(&mut self, facts: &Facts<'_, '_>, number: usize, limits: &Limits) {
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
        let room = self.vantages.len() < limits.places;
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
            None => self.passed.unless(false, Limit::Places),
        }
    }

    /// Ties it to another call.
    pub(super) fn tie(&mut self, tie: Tie, limits: &Limits) {
        let room = self.ties.len() < limits.ties_per_call;
        self.passed.unless(room, Limit::TiesPerCall);
        if room {
            self.ties.push(tie);
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
    pub(super) fn measure(&self, limits: &Limits) -> usize {
        size_of::<Self>()
            + self.call_id.len() * 2
            + self.opening.cost()
            + self.transactions.len() * (size_of::<Transaction>() + 200)
            + self.exchanges.len() * (size_of::<Exchange>() + 50)
            + self.dialogs.len() * 128
            + self.kept.cost()
            + self.subscriptions.len() * (size_of::<Subscription>() + 300)
            + self.session.cost()
            + self.frames.cost()
            + self.dtls.len() * DtlsAssociation::COST
            + self.msrp.len() * MsrpSession::COST
            + self.faxes.len() * FaxStream::cost(limits)
            + self.tunnels.len() * size_of::<Tunnel>()
            + self.copies.len() * size_of::<Copy>()
            + self.crossings.len() * (size_of::<Crossing>() + 4000)
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
            let waits = self.is_session() && self.is_pending();
            let stands = self
                .subscriptions
                .iter()
                .any(|subscription| subscription.is_standing(self.last));
            u8::from(waits || stands)
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
    /// Its ICE sessions, closed with it.
    pub ice: Vec<super::ice::IceSession>,
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
