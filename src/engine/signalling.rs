//! SIP messages on their way into calls.

use super::call::{Call, Facts, Handled, Lead, Seen, Tie};
use super::limits::Limit;
use super::table::{Entry, Handle};
use super::{Closed, Engine, Event, MessageSeen};
use crate::link::Network;
use crate::net::Flow;
use crate::octets;
use crate::packet::PacketRef;
use crate::sip::header::{HeaderName, NameAddr};
use crate::sip::{SipMessage, StartLine};
use crate::time::{SECOND, Timestamp};

/// The last transaction on a flow, for ICMP errors that quote it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SipFlow {
    pub call: Handle,
    pub transaction: usize,
    pub at: Timestamp,
}

impl Entry for SipFlow {
    fn last_seen(&self) -> Timestamp {
        self.at
    }
}

/// A call that was asked for by another and may soon begin.
#[derive(Debug)]
pub(super) struct PendingTransfer {
    call: Handle,
    lead: Lead,
    call_id: String,
    target_user: String,
    at: Timestamp,
}

/// How a message came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// In how many packets.
    pub packets: u32,
    /// Whether the capture cut it.
    pub is_cut: bool,
}

/// How long a transfer may take to begin.
const TRANSFER_NS: i64 = 60 * SECOND;

impl Engine {
    /// Takes one SIP message.
    pub(super) fn sip(
        &mut self,
        at: PacketRef,
        flow: Flow,
        network: Option<Network>,
        octets: &[u8],
        arrival: Arrival,
    ) {
        let Some(message) = SipMessage::parse(octets) else {
            self.not_decoded("SIP that does not begin with a start line");
            return;
        };
        let mut facts = Facts::of(&message, at, flow, network);
        facts.is_cut = arrival.is_cut;
        if arrival.is_cut {
            self.counters.truncated_messages += 1;
        }
        self.count(&facts);
        let (seen, call_id) = match message.call_id() {
            Some(call_id) => (self.track(&facts, call_id), Some(octets::text(call_id))),
            // Without a Call-ID a message belongs to nothing.
            None => (Seen::New, None),
        };
        match seen {
            Seen::New => {}
            Seen::Retransmission => self.counters.retransmissions += 1,
            Seen::Duplicate => self.counters.duplicates += 1,
        }
        if self.config.messages {
            let record = self.message_seen(&facts, call_id, seen, arrival.packets);
            self.events.push_back(Event::Message(Box::new(record)));
        }
        self.keep_budget();
    }

    fn count(&mut self, facts: &Facts<'_, '_>) {
        self.counters.sip_messages += 1;
        if facts.is_response {
            *self
                .counters
                .responses
                .entry(facts.status.unwrap_or_default())
                .or_default() += 1;
        } else {
            let requests = &mut self.counters.requests;
            let name = facts.method.as_str();
            // Unknown methods are the sender's choice: only so many are told
            // apart.
            let name = if requests.len() < 64 || requests.contains_key(name) {
                name
            } else {
                "other"
            };
            *requests.entry(name.to_owned()).or_default() += 1;
            if facts.message.via_count() > 1
                && facts.to_tag.is_none()
                && !self.proxies.contains_key(&facts.flow.src)
            {
                if self.proxies.len() < self.config.limits.proxies {
                    self.proxies.insert(facts.flow.src, ());
                } else {
                    self.limit(Limit::Proxies);
                }
            }
        }
    }

    fn track(&mut self, facts: &Facts<'_, '_>, call_id: &[u8]) -> Seen {
        let handle = match self.calls.find(call_id) {
            Some(handle) => handle,
            None => self.begin(facts, call_id),
        };
        let Some(call) = self.calls.get_mut(handle) else {
            return Seen::New;
        };
        let media = &self.media;
        let packets_of = |stream: Handle| {
            media
                .stream(stream)
                .map(|stream| (stream.serial, stream.packets))
        };
        let limits = &self.config.limits;
        let handled = call.handle(facts, &mut self.next_transaction, limits, &packets_of);
        if call.index.is_none() && call.is_session() {
            self.next_index += 1;
            call.index = Some(self.next_index);
        }
        for name in &self.config.headers {
            if !call.headers.iter().any(|(known, _)| known == name)
                && let Some(value) = facts.message.named(name)
            {
                call.headers.push((name.clone(), octets::text(&value)));
            }
        }
        let cost = call.measure();
        self.calls_cost = self
            .calls_cost
            .saturating_sub(call.cost)
            .saturating_add(cost);
        call.cost = cost;
        let seen = handled.seen;
        if seen == Seen::New {
            self.kept(handle);
        }
        self.act_on(facts, handle, handled);
        seen
    }

    fn begin(&mut self, facts: &Facts<'_, '_>, call_id: &[u8]) -> Handle {
        let call = Call::new(self.next_call, octets::text(call_id), facts);
        self.next_call += 1;
        if self.calls.len() >= self.config.limits.calls {
            self.limit(Limit::Calls);
            if let Some(worst) = self.calls.worst() {
                self.close_call(worst, Closed::Evicted);
            }
        }
        // The room was made above, so that nothing leaves unseen here.
        let (handle, _) = self.calls.insert(call_id.into(), call);
        self.tie_lookups(facts, handle);
        handle
    }

    fn act_on(&mut self, facts: &Facts<'_, '_>, handle: Handle, handled: Handled) {
        for address in &handled.claimed {
            if !self.media.claim(handle, address) {
                self.limit(Limit::Claims);
            }
            self.adopt(handle, address.endpoint);
        }
        for (ufrag, side, media) in handled.ufrags {
            if !self.media.claim_ufrag(ufrag, handle, side, media) {
                self.limit(Limit::Claims);
            }
        }
        if let Some(transaction) = handled.transaction
            && !facts.is_response
        {
            let flow = SipFlow {
                call: handle,
                transaction,
                at: facts.at.timestamp,
            };
            match self.sip_flows.find(&facts.flow) {
                Some(known) => {
                    if let Some(known) = self.sip_flows.get_mut(known) {
                        *known = flow;
                    }
                }
                // What leaves is only a shortcut for ICMP errors.
                None => drop(self.sip_flows.insert(facts.flow, flow)),
            }
        }
        if let Some(transaction) = handled.transaction
            && facts.method == crate::sip::Method::Register
        {
            self.register(facts, handle, transaction, handled.seen);
        }
        if let Some((lead, target)) = handled.leads_to {
            let value = NameAddr::parse(target.as_bytes());
            let target_user = octets::text(value.parsed_uri().user_name());
            if self.transfers.len() >= self.config.limits.transfers {
                self.limit(Limit::Transfers);
                self.transfers.pop_front();
            }
            let call_id = facts
                .message
                .call_id()
                .map(octets::text)
                .unwrap_or_default();
            self.transfers.push_back(PendingTransfer {
                call: handle,
                lead,
                call_id,
                target_user,
                at: facts.at.timestamp,
            });
        }
        if handled.begins_call {
            self.tie_transfer(handle, facts);
        }
        self.count_passed(handle);
    }

    /// Counts the bounds that a call passed.
    fn count_passed(&mut self, handle: Handle) {
        let passed = self.calls.get_mut(handle).map(|call| {
            [
                std::mem::take(&mut call.passed),
                std::mem::take(&mut call.session.passed),
            ]
        });
        for limit in passed.into_iter().flatten().flatten() {
            self.limit(limit);
        }
    }

    /// A call that begins soon after a REFER or a 3xx, to whom it named.
    fn tie_transfer(&mut self, handle: Handle, facts: &Facts<'_, '_>) {
        let now = facts.at.timestamp;
        self.transfers
            .retain(|transfer| now.since(transfer.at) <= TRANSFER_NS);
        let to = facts.message.to();
        let Some(user) = to.map(|to| octets::text(to.parsed_uri().user_name())) else {
            return;
        };
        let redirected = match facts.message.start_line() {
            StartLine::Request { request_uri, .. } => {
                octets::text(crate::sip::Uri::parse(request_uri).user_name())
            }
            StartLine::Response { .. } => return,
        };
        let from = facts.message.from();
        let from_user = from.map(|from| octets::text(from.parsed_uri().user_name()));
        let referred = facts.message.value(HeaderName::ReferredBy).is_some();
        let place = self.transfers.iter().position(|transfer| {
            let parties = self.calls.get(transfer.call).is_some_and(|call| {
                let user = |party: &Option<super::call::Party>| {
                    party.as_ref().and_then(|party| party.user.clone())
                };
                from_user.is_some()
                    && (user(&call.opening.from) == from_user
                        || user(&call.opening.to) == from_user)
            });
            // The second attempt after a 3xx keeps its To.
            let fits = match transfer.lead {
                Lead::Transfer => transfer.target_user == user && (referred || parties),
                Lead::Redirection => transfer.target_user == redirected && parties,
            };
            fits && transfer.call != handle && !transfer.target_user.is_empty()
        });
        let Some(transfer) = place.and_then(|place| self.transfers.remove(place)) else {
            return;
        };
        let new_call_id = facts
            .message
            .call_id()
            .map(octets::text)
            .unwrap_or_default();
        let target = &transfer.target_user;
        let (how, to, from) = match transfer.lead {
            Lead::Transfer => ("REFER", "transferred-to", "transferred-from"),
            Lead::Redirection => ("3xx", "redirected-to", "redirected-from"),
        };
        let reason = format!("{how} to {target}, then INVITE to {target}");
        let limits = self.config.limits;
        if let Some(old) = self.calls.get_mut(transfer.call) {
            let tie = Tie {
                call_id: new_call_id,
                kind: to,
                reason: reason.clone(),
            };
            old.tie(tie, &limits);
        }
        self.count_passed(transfer.call);
        if let Some(new) = self.calls.get_mut(handle) {
            let tie = Tie {
                call_id: transfer.call_id,
                kind: from,
                reason,
            };
            new.tie(tie, &limits);
        }
    }

    fn message_seen(
        &mut self,
        facts: &Facts<'_, '_>,
        call_id: Option<String>,
        seen: Seen,
        fragments: u32,
    ) -> MessageSeen {
        let message = facts.message;
        let serial = self.next_message;
        self.next_message += 1;
        let text = |value: Option<&[u8]>| value.filter(|value| !value.is_empty()).map(octets::text);
        let reason_phrase = match message.start_line() {
            StartLine::Request { .. } => None,
            StartLine::Response { reason_phrase, .. } => Some(octets::text(reason_phrase)),
        };
        MessageSeen {
            serial,
            at: facts.at,
            flow: facts.flow,
            length: message.octets().len(),
            fragments,
            status: facts.status,
            is_response: facts.is_response,
            method: Some(facts.method.as_str().to_owned()).filter(|method| !method.is_empty()),
            reason_phrase,
            call_id,
            cseq: message.cseq().ok().map(|cseq| cseq.number),
            from_tag: Some(facts.from_tag.clone()).filter(|tag| !tag.is_empty()),
            to_tag: facts.to_tag.clone(),
            branch: text(message.top_via().ok().and_then(|via| via.branch)),
            user_agent: text(
                message
                    .value(HeaderName::UserAgent)
                    .or_else(|| message.value(HeaderName::Server)),
            ),
            sdp: message.sdp().map(crate::sdp::SessionDescription::parse),
            headers: self
                .config
                .headers
                .iter()
                .filter_map(|name| Some((name.clone(), octets::text(&message.named(name)?))))
                .collect(),
            seen,
        }
    }
}
