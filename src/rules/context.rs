//! What a rule sees of a call.

use smallvec::SmallVec;

use super::Needs;
use super::credentials::Credential;
use super::description::Description;
use super::message::{Message, relate};
use super::parties::Parties;
use crate::engine::call::{Call, ClosedCall, Exchange};
use crate::engine::session::Side;
use crate::engine::transaction::Transaction;
use crate::octets;
use crate::sip::Method;
use crate::sip::header::{HeaderName, NameAddr};
use crate::sip::transaction::TRANSACTION_TIMEOUT_NS;
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

/// A challenge and the request that answers it.
#[derive(Debug)]
pub(super) struct AuthRound<'c, 'a> {
    /// The challenges.
    pub challenges: Vec<&'a [u8]>,
    /// The request that follows.
    pub request: &'c Message<'a>,
    /// Its credentials.
    pub credentials: Vec<&'a [u8]>,
}

/// A request inside a dialog, and the way that it should take.
#[derive(Debug)]
pub(super) struct RouteCase<'c, 'a> {
    /// The request.
    pub message: &'c Message<'a>,
    /// Where Record-Route sends it, by URI.
    pub expected: Vec<String>,
    /// Where its Route sends it.
    pub route: Vec<String>,
}

/// One party's description, and the one before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Renewal<'c, 'a> {
    /// The message before.
    pub earlier: &'c Message<'a>,
    /// What it said.
    pub before: &'c Description<'a>,
    /// The message.
    pub message: &'c Message<'a>,
    /// What it says.
    pub description: &'c Description<'a>,
}

/// An offer and its answer, as they passed on one hop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round<'c, 'a> {
    /// The message with the offer, as it reached whoever answered.
    pub offer: &'c Message<'a>,
    /// The offer.
    pub offered: &'c Description<'a>,
    /// The message with the answer.
    pub answer: &'c Message<'a>,
    /// The answer.
    pub answered: &'c Description<'a>,
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
    /// Secrets to verify responses with.
    pub credentials: &'a [Credential],
    /// Methods and header fields that occur in it.
    pub(super) has: Needs,
    /// Whom its messages name.
    pub(super) parties: Parties<'a>,
    /// Offers and answers, by the places of their messages.
    rounds: Vec<(usize, usize)>,
    /// Descriptions of one party that follow one another, likewise.
    renewals: Vec<(usize, usize)>,
}

impl<'a> CallContext<'a> {
    /// What rules are to see of a call.
    #[must_use]
    pub fn new(
        closed: &'a ClosedCall,
        media: Vec<MediaFact>,
        capture: CaptureFacts,
        credentials: &'a [Credential],
    ) -> Self {
        let kept = closed.call.kept.iter();
        let mut messages: Vec<Message<'a>> = kept.filter_map(Message::parse).collect();
        let mut has = Needs::NOTHING;
        for message in &messages {
            has.methods |= message.method.bit();
            has.fields |= message.sip.names();
        }
        relate(&mut messages);
        let mut context = Self {
            closed,
            parties: Parties::of(&messages),
            messages,
            media,
            capture,
            credentials,
            has,
            rounds: Vec::new(),
            renewals: Vec::new(),
        };
        if context.messages.iter().any(|message| message.sdp.is_some()) {
            context.rounds = context.find_rounds();
            context.renewals = context.find_renewals();
        }
        context
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

    /// Each message once, where it was made.
    pub(super) fn originals(&self) -> impl Iterator<Item = &Message<'a>> {
        self.messages.iter().filter(|message| message.is_original)
    }

    /// The request that a response answers on its hop.
    pub(super) fn request_of(&self, response: &Message<'a>) -> Option<&Message<'a>> {
        self.messages.get(response.request?)
    }

    /// Responses with the request that each answers on its hop.
    pub(super) fn answered(&self) -> impl Iterator<Item = (u16, &Message<'a>, &Message<'a>)> {
        self.responses()
            .filter_map(|(status, response)| Some((status, response, self.request_of(response)?)))
    }

    /// Who sent a message: whoever made the request, or the other one.
    pub(super) fn sender(&self, message: &Message<'_>) -> Side {
        let tag = octets::text(message.from_tag);
        let side = match self.call().caller_tags.contains(&tag) {
            true => Side::Caller,
            false => Side::Callee,
        };
        if message.is_request() {
            side
        } else {
            side.other()
        }
    }

    /// The tag that the sender of a message goes by.
    pub(super) fn own_tag(message: &Message<'a>) -> &'a [u8] {
        if message.is_request() {
            message.from_tag
        } else {
            message.to_tag
        }
    }

    /// Offers that were answered, each at the hop of the answer.
    pub(super) fn rounds(&self) -> impl DoubleEndedIterator<Item = Round<'_, 'a>> {
        self.rounds.iter().filter_map(|&(offer, answer)| {
            let (offer, answer) = (self.messages.get(offer)?, self.messages.get(answer)?);
            Some(Round {
                offer,
                offered: offer.sdp.as_ref()?,
                answer,
                answered: answer.sdp.as_ref()?,
            })
        })
    }

    fn find_rounds(&self) -> Vec<(usize, usize)> {
        let mut rounds = Vec::new();
        for (place, response) in self.messages.iter().enumerate() {
            let is_answer = response.is_original
                && response.sdp.is_some()
                && response
                    .status
                    .is_some_and(|status| (101..300).contains(&status))
                && matches!(
                    response.method,
                    Method::Invite | Method::Update | Method::Prack
                );
            let Some(asked) = response.request.filter(|_| is_answer) else {
                continue;
            };
            if (self.messages.get(asked)).is_some_and(|request| request.sdp.is_some()) {
                rounds.push((asked, place));
            } else if response.is_success(&Method::Invite) {
                // Without an offer in the INVITE the answer is in the ACK.
                let ack = self.messages.iter().position(|ack| {
                    ack.is_request()
                        && ack.method == Method::Ack
                        && ack.cseq == response.cseq
                        && ack.to_tag == response.to_tag
                        && ack.sdp.is_some()
                });
                rounds.extend(ack.map(|ack| (place, ack)));
            }
        }
        rounds
    }

    /// Descriptions, each once, where they were made.
    pub(super) fn descriptions(&self) -> impl Iterator<Item = (&Message<'a>, &Description<'a>)> {
        self.originals()
            .filter_map(|message| Some((message, message.sdp.as_ref()?)))
    }

    /// What one party said of its media, in the order of time: pairs of
    /// descriptions that follow one another.
    pub(super) fn renewals(&self) -> impl Iterator<Item = Renewal<'_, 'a>> {
        self.renewals.iter().filter_map(|&(earlier, now)| {
            let (earlier, message) = (self.messages.get(earlier)?, self.messages.get(now)?);
            Some(Renewal {
                earlier,
                before: earlier.sdp.as_ref()?,
                message,
                description: message.sdp.as_ref()?,
            })
        })
    }

    fn find_renewals(&self) -> Vec<(usize, usize)> {
        let mut last: SmallVec<[(&[u8], usize); 4]> = SmallVec::new();
        let mut renewals = Vec::new();
        for (place, message) in self.messages.iter().enumerate() {
            if !message.is_original || message.sdp.is_none() {
                continue;
            }
            let own = Self::own_tag(message);
            match last.iter_mut().find(|(tag, _)| *tag == own) {
                Some((_, before)) => renewals.push((std::mem::replace(before, place), place)),
                None => last.push((own, place)),
            }
        }
        renewals
    }

    /// Challenges with the request that answers each on the same hop.
    pub(super) fn auth_rounds(&self) -> Vec<AuthRound<'_, 'a>> {
        let mut rounds = Vec::new();
        if !self
            .responses()
            .any(|(status, _)| matches!(status, 401 | 407))
        {
            return rounds;
        }
        for (status, response, asked) in self.answered() {
            let (challenge, credentials) = match status {
                401 => (HeaderName::WwwAuthenticate, HeaderName::Authorization),
                407 => (
                    HeaderName::ProxyAuthenticate,
                    HeaderName::ProxyAuthorization,
                ),
                _ => continue,
            };
            let next = self.requests(&asked.method).find(|own| {
                own.when() > response.when()
                    && own.flow() == asked.flow()
                    && own.from_tag == asked.from_tag
                    && own.cseq > asked.cseq
            });
            if let Some(request) = next {
                rounds.push(AuthRound {
                    challenges: response.fields(challenge),
                    request,
                    credentials: request.fields(credentials),
                });
            }
        }
        rounds
    }

    /// Requests inside dialogs with the way that Record-Route wants them to take
    /// (RFC 3261, 12.1.2 and 12.2.1.1), where both are known.
    pub(super) fn route_sets(&self) -> Vec<RouteCase<'_, 'a>> {
        let uris = |message: &Message<'_>, name| -> Vec<String> {
            let values = message.values(name).into_iter();
            values
                .map(|value| octets::text(NameAddr::parse(value).uri))
                .collect()
        };
        let mut cases = Vec::new();
        let is_routed = |own: &Message<'_>| {
            own.sip.has(HeaderName::RecordRoute) || own.sip.has(HeaderName::Route)
        };
        if !self.is_whole() || !self.messages.iter().any(is_routed) {
            return cases;
        }
        for message in self.inside() {
            let refusal = message.method == Method::Ack
                && self.responses().any(|(status, own)| {
                    status >= 300 && own.kept.transaction == message.kept.transaction
                });
            if refusal || message.method == Method::Cancel || message.sip.via_count() != 1 {
                continue;
            }
            // As it reached whoever now asks: the answer it got, or the INVITE.
            let reached = |own: &&Message<'_>| {
                own.flow().dst.ip == message.flow().src.ip && own.flow().src != own.flow().dst
            };
            let answer = self.messages.iter().find(|own| {
                own.is_success(&Method::Invite)
                    && own.from_tag == message.from_tag
                    && own.to_tag == message.to_tag
                    && reached(own)
                    && self.request_of(own).is_some_and(|own| !own.is_inside())
            });
            let invite = self
                .requests(&Method::Invite)
                .find(|own| own.from_tag == message.to_tag && !own.is_inside() && reached(own));
            let expected = match (answer, invite) {
                (Some(answer), _) => {
                    let mut uris = uris(answer, HeaderName::RecordRoute);
                    uris.reverse();
                    uris
                }
                (None, Some(invite)) => uris(invite, HeaderName::RecordRoute),
                (None, None) => continue,
            };
            cases.push(RouteCase {
                message,
                expected,
                route: uris(message, HeaderName::Route),
            });
        }
        cases
    }

    /// Requests inside dialogs, each once, where they were made.
    pub(super) fn inside(&self) -> impl Iterator<Item = &Message<'a>> {
        self.originals().filter(|message| message.is_inside())
    }

    pub(super) fn requests(&self, method: &Method) -> impl Iterator<Item = &Message<'a>> {
        let method = method.clone();
        let messages = self.messages.iter();
        messages.filter(move |message| message.is_request() && message.method == method)
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
