//! Which descriptions are offers, which are answers (RFC 3264; RFC 6337).

use std::sync::Arc;

use super::exchange::Purpose;
use super::{Call, Facts, Handled, Seen, digest};
use crate::engine::limits::{Limit, Limits};
use crate::engine::session::{Epoch, Side};
use crate::engine::table::Handle;
use crate::sdp::{self, IceFragment, MediaDirection, MediaKind, SessionDescription};
use crate::sip::Method;

impl Call {
    /// Takes the description of a message, if it has one, and the failure of
    /// an exchange that carried an offer.
    pub(super) fn offer_answer(
        &mut self,
        facts: &Facts<'_, '_>,
        transaction: usize,
        handled: &mut Handled,
        limits: &Limits,
        packets_of: &dyn Fn(Handle) -> Option<(u64, u64)>,
    ) {
        if !matches!(
            facts.method,
            Method::Invite | Method::Update | Method::Ack | Method::Prack
        ) {
            return;
        }
        let Some(mut number) = self.transactions.get(transaction).map(|hop| hop.exchange) else {
            return;
        };
        if facts.method == Method::Ack {
            // The ACK to a 2xx is a transaction of its own; its answer belongs
            // to the offer in the 2xx.
            let invite = self.exchanges.iter().rposition(|exchange| {
                exchange.method == Method::Invite
                    && exchange.cseq == facts.cseq
                    && exchange.from_tag == facts.from_tag
            });
            let Some(invite) = invite else { return };
            number = invite;
        }
        let status = facts.status.unwrap_or_default();
        if facts.is_response && status >= 300 {
            let answered = self
                .session
                .epoch_of(number)
                .is_some_and(|epoch| epoch.from.is_some());
            let inside = self
                .exchanges
                .get(number)
                .is_some_and(|exchange| !exchange.is_outside);
            if !answered || inside {
                self.session.refuse(number);
            }
            return;
        }
        let Some(body) = facts.message.sdp().filter(|body| !body.is_empty()) else {
            return;
        };
        let by = self.side_of(&facts.from_tag);
        let side = if facts.is_response { by.other() } else { by };
        let hash = digest(body);
        let description = self
            .session
            .description(hash, || facts.description(), limits);
        let Some(description) = description else {
            return;
        };
        let Some(exchange) = self.exchanges.get_mut(number) else {
            return;
        };
        // What is seen first stands as its maker wrote it; what differs later
        // on the way was rewritten.
        let tag = if facts.is_response {
            facts.to_tag.as_deref()
        } else {
            None
        };
        let described = digest((side, tag, facts.method == Method::Ack));
        let own = !exchange.described.contains(&described);
        if own {
            let room = exchange.described.len() < limits.bodies_per_call;
            self.session.passed.unless(room, Limit::BodiesPerCall);
            if room {
                exchange.described.push(described);
            }
        }
        let claimed = self
            .session
            .claim(number, side, hash, own, &description, limits);
        handled.claimed.extend(claimed);
        for (media, index) in description.media.iter().zip(0_u8..) {
            if let Some(ufrag) = &media.ice_ufrag {
                let password = media.ice_password.clone();
                handled.ufrags.push((ufrag.clone(), side, index, password));
            }
            let path = media.msrp_path.as_deref();
            let uri = path.and_then(|path| path.split_ascii_whitespace().next_back());
            if let Some(session) = uri.and_then(crate::msrp::session_of) {
                handled.msrp.push((session, side, index));
            }
        }
        if own && handled.seen == Seen::New {
            self.place(facts, number, side, description, limits, packets_of);
        }
    }

    /// Takes candidates that an INFO brings (RFC 8840, 4.4).
    pub(super) fn trickle(
        &mut self,
        facts: &Facts<'_, '_>,
        handled: &mut Handled,
        limits: &Limits,
    ) {
        if facts.method != Method::Info || facts.is_response {
            return;
        }
        let Some(body) = facts.message.body_of_type(IceFragment::MEDIA_TYPE) else {
            return;
        };
        let side = self.side_of(&facts.from_tag);
        let fragment = IceFragment::parse(body);
        let (at, hash) = (facts.at.timestamp, digest(body));
        let claimed = self.session.trickle(side, at, hash, &fragment, limits);
        handled.claimed.extend(claimed);
    }

    /// Decides between offer and answer.
    fn place(
        &mut self,
        facts: &Facts<'_, '_>,
        number: usize,
        side: Side,
        description: Arc<SessionDescription>,
        limits: &Limits,
        packets_of: &dyn Fn(Handle) -> Option<(u64, u64)>,
    ) {
        let at = facts.at.timestamp;
        // A PRACK may answer the offer of the response that it confirms.
        let offered_by = |epoch: &&Epoch| epoch.offer_by == side.other() && epoch.answer.is_none();
        let answers = if facts.method == Method::Prack && !facts.is_response {
            self.session
                .epochs
                .iter()
                .rfind(offered_by)
                .map(|epoch| epoch.exchange)
        } else {
            self.session
                .epoch_of(number)
                .filter(|epoch| epoch.offer_by != side)
                .map(|epoch| epoch.exchange)
        };
        if let Some(offer) = answers {
            let streams = &self.streams;
            self.session.answer(offer, at, description, || {
                streams
                    .iter()
                    .filter_map(|&stream| packets_of(stream))
                    .collect()
            });
            return;
        }
        if facts.method == Method::Ack {
            return;
        }
        let purpose = self.purpose_of(side, &description);
        self.session.offer(number, side, at, description, limits);
        if let Some(exchange) = self.exchanges.get_mut(number)
            && !exchange.is_outside
            && matches!(exchange.method, Method::Invite | Method::Update)
            && let Some(purpose) = purpose
        {
            exchange.purpose = purpose;
        }
    }

    /// What an offer inside a dialog is for: what it changes of what was
    /// agreed.
    fn purpose_of(&self, side: Side, offer: &SessionDescription) -> Option<Purpose> {
        let agreed = self
            .session
            .epochs
            .iter()
            .rfind(|epoch| epoch.is_agreed())?;
        let before = agreed.description(side)?;
        let is_fax = |description: &SessionDescription| {
            description
                .media
                .iter()
                .any(|media| media.kind == MediaKind::Image && media.port != 0)
        };
        if is_fax(offer) && !is_fax(before) {
            return Some(Purpose::T38);
        }
        let direction = |description: &SessionDescription| {
            description
                .media
                .iter()
                .find(|media| media.kind == MediaKind::Audio)
                .map(|media| media.effective_direction())
        };
        let active = MediaDirection::SendRecv;
        match (direction(before), direction(offer)) {
            (Some(before), Some(now)) if before == active && now != active => {
                return Some(Purpose::Hold);
            }
            (Some(before), Some(now)) if before != active && now == active => {
                return Some(Purpose::Resume);
            }
            _ => {}
        }
        if sdp::same_version(before.origin.as_ref(), offer.origin.as_ref()) {
            return Some(Purpose::Refresh);
        }
        let pairs = || before.media.iter().zip(&offer.media);
        if before.media.len() != offer.media.len()
            || pairs().any(|(before, now)| !before.same_transport(now))
        {
            return Some(Purpose::MediaChange);
        }
        let same_codecs = pairs().all(|(before, now)| before.payload_types == now.payload_types);
        Some(if same_codecs {
            Purpose::Refresh
        } else {
            Purpose::CodecChange
        })
    }
}
