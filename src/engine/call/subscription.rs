//! Subscriptions and their notifications (RFC 6665).

use super::{Call, Facts, Party};
use crate::engine::limits::{Limit, Limits};
use crate::net::Flow;
use crate::octets;
use crate::packet::PacketRef;
use crate::sip::Method;
use crate::sip::header::{ContentType, HeaderName, parameter};
use crate::time::{SECOND, Timestamp};

/// A subscription, or notifications that nobody was seen to ask for.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// The event package.
    pub event: String,
    /// `id` of the event.
    pub event_id: Option<String>,
    /// Tag of the subscriber.
    tag: String,
    /// From the subscriber to the notifier, as first seen.
    pub flow: Flow,
    /// The subscriber.
    pub from: Option<Party>,
    /// To what it subscribes.
    pub to: Option<Party>,
    /// Its first message.
    pub first: PacketRef,
    /// When it was first asked for.
    pub asked: Option<Timestamp>,
    /// The first notification.
    pub first_notified: Option<Timestamp>,
    /// The last message.
    pub last: Timestamp,
    /// What the last notification says of it.
    pub said: Option<Said>,
    /// Why it was terminated.
    pub reason: Option<String>,
    /// Seconds before it may be asked for again.
    pub retry_after: Option<u64>,
    /// The last final response to a SUBSCRIBE.
    pub last_status: Option<u16>,
    /// Seconds asked for.
    pub expires_requested: Option<u64>,
    /// Seconds granted.
    pub expires_granted: Option<u64>,
    /// Times it was granted.
    pub grants: u64,
    /// Notifications.
    pub notifies: u64,
    /// Notifications that were refused.
    pub notifies_failed: u64,
    /// What the notifications carried.
    pub content_types: Vec<String>,
    /// Until when it stands.
    runs_out: Option<Timestamp>,
    /// CSeq of the last SUBSCRIBE and NOTIFY that were counted, and answered.
    counted: [Option<u32>; 4],
}

/// What `Subscription-State` says (RFC 6665, 4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is not decided yet.
    Pending,
    /// It stands.
    Active,
    /// It has ended.
    Terminated,
}

/// Places in [`Subscription::counted`].
const SUBSCRIBED: usize = 0;
const ANSWERED: usize = 1;
const NOTIFIED: usize = 2;
const REFUSED: usize = 3;

impl Subscription {
    /// Where it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        let failed = self.last_status.is_some_and(|status| status >= 300);
        if self.said == Some(Said::Terminated) || self.expires_requested == Some(0) {
            "terminated"
        } else if failed && self.grants == 0 {
            "rejected"
        } else if self.asked.is_some() && self.last_status.is_none() && self.notifies == 0 {
            "unanswered"
        } else if self.runs_out.is_some_and(|at| at < now) {
            "expired"
        } else if self.said == Some(Said::Pending) {
            "pending"
        } else if self.asked.is_none() && self.said.is_none() {
            "unknown"
        } else {
            "active"
        }
    }

    /// Whether more of it is to be expected at `now`.
    pub(in crate::engine) fn is_standing(&self, now: Timestamp) -> bool {
        self.runs_out.is_some_and(|at| at >= now) && matches!(self.state(now), "active" | "pending")
    }

    /// Whether a CSeq is met for the first time in a role; copies on other hops
    /// have the same.
    fn is_new(&mut self, role: usize, cseq: u32) -> bool {
        match self.counted.get_mut(role) {
            Some(last) if *last != Some(cseq) => {
                *last = Some(cseq);
                true
            }
            _ => false,
        }
    }

    fn lasts(&mut self, at: Timestamp, seconds: u64) {
        let span = i64::try_from(seconds)
            .unwrap_or(i64::MAX / SECOND)
            .saturating_mul(SECOND);
        self.runs_out = Some(at.offset(span));
    }
}

fn seconds(value: Option<&[u8]>) -> Option<u64> {
    value.and_then(|value| octets::decimal(value.trim_ascii()))
}

/// The part before the parameters.
fn head(value: &[u8]) -> &[u8] {
    octets::span(value, 0, memchr::memchr(b';', value).unwrap_or(value.len())).trim_ascii()
}

fn parameter_of<'a>(value: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let start = memchr::memchr(b';', value).unwrap_or(value.len());
    parameter(octets::from(value, start), name)
}

impl Call {
    /// Takes a SUBSCRIBE, a NOTIFY or an answer to one.
    pub(super) fn subscription(&mut self, facts: &Facts<'_, '_>, limits: &Limits) {
        let subscribes = facts.method == Method::Subscribe;
        if !subscribes && facts.method != Method::Notify {
            return;
        }
        let to_tag = facts.to_tag.as_deref().unwrap_or_default();
        let tag = if subscribes {
            facts.from_tag.as_ref()
        } else {
            to_tag
        };
        let event = facts.message.value(HeaderName::Event);
        let known = self.subscriptions.iter().rposition(|known| {
            // A response need not name the event again.
            let same = event.is_none_or(|event| {
                octets::text(head(event)).eq_ignore_ascii_case(&known.event)
                    && parameter_of(event, "id").map(octets::text) == known.event_id
            });
            // The answer to a NOTIFY outside a dialog brings a tag with it.
            (known.tag == tag || (facts.is_response && known.tag.is_empty())) && same
        });
        let place = match known {
            Some(place) => place,
            None => {
                let Some(event) = event.filter(|_| !facts.is_response) else {
                    return;
                };
                // How a transfer goes is told with the transfer.
                if head(event).eq_ignore_ascii_case(b"refer") {
                    return;
                }
                let room = self.subscriptions.len() < limits.subscriptions_per_call;
                self.passed.unless(room, Limit::SubscriptionsPerCall);
                if !room {
                    return;
                }
                self.subscriptions
                    .push(begin(facts, event, tag, subscribes));
                self.subscriptions.len() - 1
            }
        };
        let Some(subscription) = self.subscriptions.get_mut(place) else {
            return;
        };
        subscription.last = subscription.last.max(facts.at.timestamp);
        match (subscribes, facts.status) {
            (true, None) => subscription.asked_again(facts),
            (true, Some(status)) => subscription.answered(facts, status),
            (false, None) => subscription.notified(facts),
            (false, Some(status)) => {
                if status >= 300 && subscription.is_new(REFUSED, facts.cseq) {
                    subscription.notifies_failed = subscription.notifies_failed.saturating_add(1);
                }
            }
        }
    }
}

fn begin(facts: &Facts<'_, '_>, event: &[u8], tag: &str, subscribes: bool) -> Subscription {
    let party = |value: Option<crate::sip::header::NameAddr<'_>>| value.as_ref().map(Party::of);
    let (from, to) = (party(facts.message.from()), party(facts.message.to()));
    let (from, to, flow) = if subscribes {
        (from, to, facts.flow)
    } else {
        (to, from, facts.flow.reversed())
    };
    Subscription {
        event: octets::text(head(event)),
        event_id: parameter_of(event, "id").map(octets::text),
        tag: tag.to_owned(),
        flow,
        from,
        to,
        first: facts.at,
        asked: None,
        first_notified: None,
        last: facts.at.timestamp,
        said: None,
        reason: None,
        retry_after: None,
        last_status: None,
        expires_requested: None,
        expires_granted: None,
        grants: 0,
        notifies: 0,
        notifies_failed: 0,
        content_types: Vec::new(),
        runs_out: None,
        counted: [None; 4],
    }
}

/// Content types of notifications that are told apart.
const MAX_CONTENT_TYPES: usize = 8;

impl Subscription {
    fn asked_again(&mut self, facts: &Facts<'_, '_>) {
        if self.is_new(SUBSCRIBED, facts.cseq) {
            self.asked.get_or_insert(facts.at.timestamp);
            self.expires_requested = seconds(facts.message.value(HeaderName::Expires));
        }
    }

    fn answered(&mut self, facts: &Facts<'_, '_>, status: u16) {
        if status < 200 || !self.is_new(ANSWERED, facts.cseq) {
            return;
        }
        self.last_status = Some(status);
        if status < 300 {
            self.grants = self.grants.saturating_add(1);
            let granted = seconds(facts.message.value(HeaderName::Expires));
            self.expires_granted = granted.or(self.expires_requested);
            if let Some(granted) = self.expires_granted {
                self.lasts(facts.at.timestamp, granted);
            }
        }
    }

    fn notified(&mut self, facts: &Facts<'_, '_>) {
        if !self.is_new(NOTIFIED, facts.cseq) {
            return;
        }
        self.notifies = self.notifies.saturating_add(1);
        self.first_notified.get_or_insert(facts.at.timestamp);
        if let Some(content) = facts.message.value(HeaderName::ContentType) {
            let content = octets::text(ContentType::parse(content).media_type);
            let known = self.content_types.contains(&content);
            if !known && self.content_types.len() < MAX_CONTENT_TYPES {
                self.content_types.push(content);
            }
        }
        let Some(state) = facts.message.value(HeaderName::SubscriptionState) else {
            return;
        };
        self.said = Some(
            match octets::text(head(state)).to_ascii_lowercase().as_str() {
                "terminated" => Said::Terminated,
                "pending" => Said::Pending,
                _ => Said::Active,
            },
        );
        self.reason = parameter_of(state, "reason").map(octets::text);
        self.retry_after = seconds(parameter_of(state, "retry-after"));
        if let Some(left) = seconds(parameter_of(state, "expires")) {
            self.lasts(facts.at.timestamp, left);
        }
    }
}
