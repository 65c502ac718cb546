//! SIP messages on their way into calls.

use std::borrow::Cow;

use super::call::{Call, ClosedCall, Facts, Handled, Seen};
use super::limits::Limit;
use super::table::{Entry, Handle};
use super::transfer::PendingTransfer;
use super::{Closed, Engine, Event, Forwarded, MessageSeen};
use crate::link::{Network, TunnelKind};
use crate::net::Flow;
use crate::octets;
use crate::packet::PacketRef;
use crate::sip::header::{HeaderName, NameAddr};
use crate::sip::{SipMessage, StartLine};
use crate::time::Timestamp;

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

/// How a message came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// In how many packets.
    pub packets: u32,
    /// Whether the capture cut it.
    pub is_cut: bool,
}

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
        facts.packets = arrival.packets;
        facts.tunnel = self.tunnel;
        if arrival.is_cut {
            self.counters.truncated_messages += 1;
        }
        self.count(&facts);
        self.nat_sip(&facts);
        let call_id = message.call_id();
        let seen = match call_id {
            Some(call_id) => self.track(&facts, call_id),
            None => {
                self.stray(&facts);
                Seen::New
            }
        };
        match seen {
            Seen::New => {}
            Seen::Retransmission => self.counters.retransmissions += 1,
            Seen::Duplicate => self.counters.duplicates += 1,
        }
        // What an agent sent here is not sent on: it may come from there.
        let is_own = self.tunnel.is_none_or(|own| own.kind != TunnelKind::Hep);
        if self.config.forward && is_own && seen != Seen::Duplicate {
            self.events.push_back(Event::Forward(Box::new(Forwarded {
                at: at.timestamp,
                flow,
                is_rtcp: false,
                call_id: call_id.map(octets::text),
                octets: message.octets().into(),
            })));
        }
        if self.config.messages {
            let call_id = call_id.map(octets::text);
            let record = self.message_seen(&facts, call_id, seen, arrival.packets);
            self.events.push_back(Event::Message(Box::new(record)));
        }
        self.keep_budget();
    }

    /// Without a Call-ID a message belongs to nothing; it is told at once.
    fn stray(&mut self, facts: &Facts<'_, '_>) {
        let mut call = Call::new(self.next_call, String::new(), facts);
        let mut serials = 0;
        call.handle(facts, &mut serials, &self.config.limits, &|_| None);
        self.events.push_back(Event::Stray(Box::new(ClosedCall {
            call,
            streams: Vec::new(),
            ice: Vec::new(),
            proxies: Vec::new(),
            rtp_was_captured: false,
            closed: Closed::Completed,
            at: facts.at.timestamp,
        })));
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
            if let Some(count) = requests.get_mut(name) {
                *count += 1;
            } else {
                // Unknown methods are the sender's choice: only so many are
                // told apart.
                let name = if requests.len() < 64 { name } else { "other" };
                *requests.entry(name.to_owned()).or_default() += 1;
            }
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
        let cost = call.measure(limits);
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
        for (ufrag, side, media, password) in handled.ufrags {
            let claims = &mut self.media;
            if !claims.claim_ufrag(ufrag, handle, side, media, password) {
                self.limit(Limit::Claims);
            }
        }
        for (session, side, media) in handled.msrp {
            if !self.media.claim_msrp(session, handle, side, media) {
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
            let call_id = facts
                .message
                .call_id()
                .map(octets::text)
                .unwrap_or_default();
            let room = self.transfers.push(
                target_user,
                PendingTransfer {
                    call: handle,
                    lead,
                    call_id,
                    at: facts.at.timestamp,
                },
            );
            if !room {
                self.limit(Limit::Transfers);
            }
        }
        if handled.begins_call {
            self.tie_transfer(handle, facts);
            self.tie_leg(handle, facts);
        }
        self.note_focus(handle, facts);
        self.count_passed(handle);
    }

    /// Counts the bounds that a call passed.
    pub(super) fn count_passed(&mut self, handle: Handle) {
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
            from_tag: Some(facts.from_tag.clone().into_owned()).filter(|tag| !tag.is_empty()),
            to_tag: facts.to_tag.clone().map(Cow::into_owned),
            branch: text(message.top_via().ok().and_then(|via| via.branch)),
            user_agent: text(
                message
                    .value(HeaderName::UserAgent)
                    .or_else(|| message.value(HeaderName::Server)),
            ),
            sdp: message.sdp().map(crate::sdp::SessionDescription::parse),
            tunnel: facts.tunnel,
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
