//! Connectivity checks as they come, and what answers them.

use std::collections::VecDeque;

use smallvec::SmallVec;

use super::{IceAgent, IceDescription, IcePair, IceSession, Recent};
use crate::engine::call::Call;
use crate::engine::limits::Limit;
use crate::engine::session::{Side, Trickled};
use crate::engine::table::Handle;
use crate::engine::{Engine, Event};
use crate::link::TunnelKind;
use crate::net::Flow;
use crate::octets;
use crate::packet::PacketRef;
use crate::sdp::{Candidate, MediaDescription, SessionDescription};
use crate::stun::{Class, StunMessage};

/// Pairs of one session: two agents with ten addresses each have a hundred.
const MAX_PAIRS: usize = 256;
/// Candidates of one agent that are kept.
const MAX_CANDIDATES: usize = 256;
/// The longest user fragment (RFC 8839, 5.4).
const MAX_FRAGMENT: usize = 256;

impl Engine {
    /// A Binding request that may be a connectivity check (RFC 8445, 7.2.2). Hands back
    /// its session, and whether it is signed with the right password.
    pub(in crate::engine) fn ice_check(
        &mut self,
        at: PacketRef,
        flow: Flow,
        message: &StunMessage<'_>,
    ) -> Option<(Handle, Option<bool>)> {
        let is_check = message.class == Class::Request
            && message.method == 1
            && message.realm().is_none()
            && (message.ice_role().is_some() || message.priority().is_some());
        let username = message.username().filter(|_| is_check)?;
        let colon = memchr::memchr(b':', username)?;
        let (receiver, sender) = (
            octets::span(username, 0, colon),
            octets::from(username, colon + 1),
        );
        let fits = |own: &[u8]| !own.is_empty() && own.len() <= MAX_FRAGMENT;
        if !fits(receiver) || !fits(sender) || receiver == sender {
            return None;
        }
        let (receiver, sender) = (octets::text(receiver), octets::text(sender));
        let handle = self.ice_session(at, &receiver, &sender)?;
        self.tie_ice(handle, &receiver, &sender);
        let integrity = self.ice_integrity(&receiver, message);
        let is_permitted = self.is_permitted(flow);
        let is_relayed = is_permitted.is_some();
        let limits = &self.config.limits;
        let room = self.ice_pairs < limits.ice_pairs;
        let may_remember = self.ice_checks < limits.ice_checks;
        let session = self.ice.get_mut(handle)?;
        session.last = at.timestamp;
        let agent = session.agent(&sender)?;
        let ends = match agent {
            0 => [flow.src, flow.dst],
            _ => [flow.dst, flow.src],
        };
        let place = (at.capture_point, ends);
        let transaction = message.transaction_id;
        let mut recent = session.recent.iter().rev();
        let known = recent.find(|own| own.transaction == transaction && own.agent == agent);
        if let Some(known) = known.copied() {
            let (had_room, merged) = session.place(known.pair, place);
            let recent = session.recent.iter_mut().rev();
            let is_it = |own: &&mut Recent| own.transaction == transaction && own.agent == agent;
            let recent = { recent }.find(is_it)?;
            let checks = session.pairs.get_mut(recent.pair)?.checks.get_mut(agent)?;
            if is_permitted == Some(true) && recent.is_held {
                recent.is_held = false;
                checks.not_permitted -= 1;
            }
            checks.passed(at.capture_point);
            if known.point == at.capture_point && known.flow == flow {
                checks.retransmissions += 1;
                checks.last_sent = Some(at.timestamp);
            }
            self.ice_pairs -= usize::from(merged);
            if !had_room {
                self.limit(Limit::IcePairs);
            }
            return Some((handle, integrity));
        }
        if let Some(agent) = session.agents.get_mut(agent) {
            agent.took(message.ice_role());
            agent.signed(integrity);
            agent.pace.began(at);
        }
        let pair = match session.pair_at(place) {
            Some(pair) => pair,
            None if session.pairs.len() < MAX_PAIRS && room => {
                session.pairs.push(IcePair {
                    first: at,
                    checks: Default::default(),
                    nominated: None,
                    places: SmallVec::from_buf_and_len([place; 2], 1),
                });
                self.ice_pairs += 1;
                session.pairs.len() - 1
            }
            None => {
                self.limit(Limit::IcePairs);
                return Some((handle, integrity));
            }
        };
        let check = Recent {
            transaction,
            agent,
            pair,
            point: at.capture_point,
            flow,
            sent: at.timestamp,
            nominates: message.use_candidate(),
            is_answered: false,
            is_lost: false,
            is_held: is_permitted == Some(false),
        };
        let (is_more, forgotten) = session.remember(check, may_remember);
        self.ice_checks += usize::from(is_more);
        let checks = session.pairs.get_mut(pair)?.checks.get_mut(agent)?;
        checks.flow.get_or_insert(flow);
        checks.sent += 1;
        checks.last_sent = Some(at.timestamp);
        checks.is_relayed |= is_relayed;
        checks.not_permitted += u64::from(is_permitted == Some(false));
        checks.priority = message.priority().or(checks.priority);
        checks.passed(at.capture_point);
        if forgotten {
            self.limit(Limit::IceChecks);
        }
        Some((handle, integrity))
    }

    /// What answers a check of a session; `flow` goes as the check should have gone.
    pub(in crate::engine) fn ice_answer(
        &mut self,
        handle: Handle,
        at: PacketRef,
        flow: Flow,
        message: &StunMessage<'_>,
    ) {
        let place = |session: &IceSession| {
            let is_it = |own: &Recent| own.transaction == message.transaction_id;
            // Both sides may have given theirs one number.
            let is_from = |own: &Recent| is_it(own) && own.flow.src == flow.src;
            let latest = session.recent.iter().rposition(is_from);
            let place = latest.or_else(|| session.recent.iter().rposition(is_it))?;
            Some((place, session.recent.get(place)?.agent))
        };
        let Some((place, agent)) = self.ice.get(handle).and_then(place) else {
            return;
        };
        let receiver = |session: &IceSession| Some(session.agents.get(1 - agent)?.ufrag.clone());
        let receiver = self.ice.get(handle).and_then(receiver);
        let integrity = receiver.and_then(|own| self.ice_integrity(&own, message));
        let Some(session) = self.ice.get_mut(handle) else {
            return;
        };
        let Some(check) = session.recent.get_mut(place) else {
            return;
        };
        session.last = at.timestamp;
        let Some(pair) = session.pairs.get_mut(check.pair) else {
            return;
        };
        let Some(checks) = pair.checks.get_mut(check.agent) else {
            return;
        };
        if check.is_answered {
            return;
        }
        if check.point != at.capture_point || check.flow.src != flow.src {
            // On its way back; whether it arrives shows where the check was seen first.
            if !check.is_lost {
                check.is_lost = true;
                checks.answers_lost += 1;
            }
            return;
        }
        check.is_answered = true;
        checks.answers_lost -= u64::from(check.is_lost);
        let mut has_room = true;
        if message.class == Class::ErrorResponse {
            let code = message.error_code().unwrap_or_default();
            has_room = checks.refused(code, 1);
            session.role_conflicts += u64::from(code == 487);
        } else if flow.dst != check.flow.dst {
            checks.not_symmetric += 1;
            checks.answered_from = Some(flow.dst);
        } else {
            checks.succeeded += 1;
            checks.mapped = message.mapped_address().or(checks.mapped);
            let spent = at.timestamp.since(check.sent);
            if spent >= 0 {
                checks.round_trip_ns.get_or_insert(spent);
            }
            if check.nominates {
                pair.nominated.get_or_insert(at.timestamp);
            }
            let first = checks.succeeded_at.map_or(at.timestamp, |(first, _)| first);
            checks.succeeded_at = Some((first, at.timestamp));
        }
        let answering = session.agents.get_mut(1 - check.agent);
        if let Some(answering) = answering.filter(|_| message.class == Class::SuccessResponse) {
            answering.signed(integrity);
        }
        if !has_room {
            self.limit(Limit::IcePairs);
        }
    }

    /// An ICMP error that quotes a check. Says whether it does.
    pub(in crate::engine) fn ice_unreachable(
        &mut self,
        handle: Handle,
        transaction: &[u8; 16],
    ) -> bool {
        let Some(session) = self.ice.get_mut(handle) else {
            return false;
        };
        let recent = session.recent.iter().rev();
        let check = { recent }.find(|own| own.transaction == *transaction);
        let checks = check.and_then(|check| {
            let pair = session.pairs.get_mut(check.pair)?;
            pair.checks.get_mut(check.agent)
        });
        if let Some(checks) = checks {
            checks.unreachable += 1;
        }
        true
    }

    /// An ICMP error that quotes the addresses of a check alone: one of the call that
    /// claims where it went. Says whether there is one that waits.
    pub(in crate::engine) fn ice_pair_unreachable(&mut self, flow: Flow) -> bool {
        let call = self.media.claimant(flow.dst);
        let Some(call) = call.and_then(|call| self.calls.get(call)) else {
            return false;
        };
        for handle in &call.ice {
            let Some(session) = self.ice.get_mut(*handle) else {
                continue;
            };
            let recent = session.recent.iter().rev();
            let check = { recent }.find(|own| own.flow == flow && !own.is_answered);
            let checks = check.and_then(|check| {
                let pair = session.pairs.get_mut(check.pair)?;
                pair.checks.get_mut(check.agent)
            });
            if let Some(checks) = checks {
                checks.unreachable += 1;
                return true;
            }
        }
        false
    }

    /// A packet that is no RTP and may pass on a pair of a call.
    pub(in crate::engine) fn ice_heard(&mut self, at: PacketRef, flow: Flow) {
        if self.ice.is_empty() {
            return;
        }
        let claimant = |end| self.media.claimant(end);
        let call = claimant(flow.dst).or_else(|| claimant(flow.src));
        let Some(call) = call.and_then(|call| self.calls.get(call)) else {
            return;
        };
        for handle in &call.ice {
            if let Some(session) = self.ice.get_mut(*handle) {
                session.hears(at.timestamp, flow);
            }
        }
    }

    /// The session of two user fragments, which begins with its first check.
    fn ice_session(&mut self, at: PacketRef, receiver: &str, sender: &str) -> Option<Handle> {
        let (low, high) = (receiver.min(sender), receiver.max(sender));
        let key: Box<str> = format!("{low}:{high}").into();
        if let Some(handle) = self.ice.find(&key) {
            return Some(handle);
        }
        let agent = |ufrag: &str| IceAgent {
            ufrag: ufrag.to_owned(),
            ..IceAgent::default()
        };
        let session = IceSession {
            serial: self.next_ice,
            first: at,
            last: at.timestamp,
            agents: [agent(sender), agent(receiver)],
            pairs: Vec::new(),
            role_conflicts: 0,
            call_id: None,
            media: None,
            is_answered: false,
            call: None,
            recent: VecDeque::new(),
        };
        self.next_ice += 1;
        let (handle, evicted) = self.ice.insert(key, session);
        if let Some(mut evicted) = evicted {
            self.limit(Limit::IceSessions);
            self.let_go(&evicted);
            evicted.orient();
            self.events.push_back(Event::Ice(Box::new(evicted)));
        }
        Some(handle)
    }

    /// The call that described one of the agents.
    fn tie_ice(&mut self, handle: Handle, receiver: &str, sender: &str) {
        let claims = [receiver, sender].map(|own| (own, self.media.ufrag(own)));
        let max = self.config.limits.ice_sessions_per_call;
        let Some(session) = self.ice.get_mut(handle) else {
            return;
        };
        for (ufrag, claim) in claims {
            let Some((call, side, media)) = claim else {
                continue;
            };
            if let Some(agent) = session.agent(ufrag)
                && let Some(agent) = session.agents.get_mut(agent)
            {
                agent.side = Some(side);
            }
            if session.call.is_some() {
                continue;
            }
            let Some(known) = self.calls.get_mut(call) else {
                continue;
            };
            if known.ice.len() >= max {
                self.limit(Limit::IceSessionsPerCall);
                return;
            }
            known.ice.push(handle);
            session.call = Some(call);
            session.call_id = Some(known.call_id.clone());
            session.media = Some(media);
        }
    }

    /// Whether a message is signed with the password of whoever has this fragment.
    fn ice_integrity(&self, ufrag: &str, message: &StunMessage<'_>) -> Option<bool> {
        message.integrity_ok(self.media.ice_password(ufrag)?)
    }

    /// Whether a relay may pass on what goes through it; `None` of what goes through
    /// none.
    fn is_permitted(&self, flow: Flow) -> Option<bool> {
        let is_inside = self.tunnel.is_some_and(|own| own.kind == TunnelKind::Turn);
        let handle = self.relay.filter(|_| is_inside)?;
        let allocation = self.turn_allocations.get(handle)?;
        let is_sent = allocation.relayed == Some(flow.src);
        is_sent.then(|| allocation.permits(flow.dst.ip))
    }

    /// A session is gone: what it held counts no more.
    fn let_go(&mut self, session: &IceSession) {
        self.ice_pairs -= session.pairs.len();
        self.ice_checks -= session.recent.len();
    }

    pub(in crate::engine) fn close_ice(&mut self, handle: Handle) {
        if let Some(mut session) = self.ice.remove(handle) {
            self.let_go(&session);
            session.orient();
            self.events.push_back(Event::Ice(Box::new(session)));
        }
    }

    /// The sessions of a call that closes, with what it says of their agents.
    pub(in crate::engine) fn ice_of(&mut self, call: &Call) -> Vec<IceSession> {
        let mut sessions = Vec::new();
        for handle in &call.ice {
            let Some(mut session) = self.ice.remove(*handle) else {
                continue;
            };
            self.let_go(&session);
            for agent in &mut session.agents {
                let (description, is_cut) = describe(call, &agent.ufrag);
                agent.description = description;
                if is_cut {
                    self.limit(Limit::Descriptions);
                }
            }
            let media = session.media.map_or(0, usize::from);
            session.is_answered = (call.session.epochs.iter()).any(|epoch| {
                let named = |side| Some(epoch.medium(side, media)?.ice_ufrag.is_some());
                named(Side::Caller) == Some(true) && named(Side::Callee) == Some(true)
            });
            session.orient();
            sessions.push(session);
        }
        sessions.sort_by_key(|session| session.serial);
        sessions
    }
}

/// What the descriptions of a call say of whoever has a user fragment, and whether there
/// was no room for all of it.
fn describe(call: &Call, ufrag: &str) -> (Option<IceDescription>, bool) {
    let mut found: Option<IceDescription> = None;
    let mut is_cut = false;
    let is_its = |own: &&MediaDescription| own.ice_ufrag.as_deref() == Some(ufrag);
    for media in (call.session.descriptions()).flat_map(|own| own.media.iter().filter(is_its)) {
        let description = found.get_or_insert_default();
        description.is_lite |= media.is_ice_lite;
        description.has_ice2 |= media.has_ice2;
        description.is_webrtc |= media.protocol.contains("SAVPF") && media.fingerprint.is_some();
        description.has_trickle |= media.has_trickle;
        description.has_all_candidates |= media.has_all_candidates;
        for candidate in &media.candidates {
            is_cut |= description.add(candidate) == Added::NoRoom;
        }
    }
    let of_it = |own: &&Trickled| own.ufrag.as_deref() == Some(ufrag);
    for fragment in call.session.trickled.iter().filter(of_it) {
        let description = found.get_or_insert_default();
        description.has_all_candidates |= fragment.is_end;
        description.trickled_at = description.trickled_at.max(Some(fragment.at));
        for candidate in &fragment.candidates {
            let added = description.add(candidate);
            description.trickled += usize::from(added == Added::New);
            is_cut |= added == Added::NoRoom;
        }
    }
    let names = |own: &SessionDescription| own.media.iter().any(|own| is_its(&own));
    let first = call.session.epochs.iter().find(|epoch| {
        names(&epoch.offer) || epoch.answer.as_ref().is_some_and(|answer| names(answer))
    });
    if let Some((found, first)) = found.as_mut().zip(first) {
        found.has_offered = names(&first.offer);
    }
    (found, is_cut)
}

/// What became of a candidate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Added {
    New,
    Known,
    NoRoom,
}

impl IceDescription {
    fn add(&mut self, candidate: &Candidate) -> Added {
        if self.candidates.contains(candidate) {
            return Added::Known;
        }
        if self.candidates.len() >= MAX_CANDIDATES {
            return Added::NoRoom;
        }
        self.candidates.push(candidate.clone());
        Added::New
    }
}
