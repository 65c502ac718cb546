//! How messages seen for the first time move a call on.

use std::borrow::Cow;

use super::facts::Facts;
use super::{Call, Handled, Lead, Opening, exchange, is_session_method};
use crate::engine::dialog::{Dialog, DialogState};
use crate::engine::limits::{Limit, Limits};
use crate::engine::transaction::FinalResponse;
use crate::octets;
use crate::sip::header::{HeaderName, Reason};
use crate::sip::transaction::Input;
use crate::sip::{Method, StartLine};
use crate::time::Timestamp;

/// A copy of a request that is sent so long after a response passed was not
/// under way yet: the response is lost, or comes very late.
const WELL_AFTER_NS: i64 = 400_000_000;

impl Call {
    /// A copy that was sent again.
    pub(super) fn repeat(&mut self, facts: &Facts<'_, '_>, number: usize) {
        let Some(transaction) = self.transactions.get_mut(number) else {
            return;
        };
        transaction.retransmissions = transaction.retransmissions.saturating_add(1);
        let count = match (facts.status, facts.method == Method::Invite) {
            (Some(200..=299), true) => &mut transaction.answer_retransmissions,
            (Some(300..), true) => &mut transaction.failure_retransmissions,
            (Some(_), _) => return,
            (None, _) => {
                let at = facts.at.timestamp;
                transaction.pace.sent(at);
                let is_late = |then: Timestamp| at.since(then) > WELL_AFTER_NS;
                let ended = transaction.final_response.as_ref().map(|own| own.at);
                if ended.is_some_and(is_late) {
                    &mut transaction.after_final
                } else if ended.is_none() && transaction.first_response.is_some_and(is_late) {
                    &mut transaction.after_provisional
                } else {
                    return;
                }
            }
        };
        *count = count.saturating_add(1);
    }

    /// A request, seen for the first time on this hop.
    pub(super) fn request(
        &mut self,
        facts: &Facts<'_, '_>,
        number: usize,
        handled: &mut Handled,
        limits: &Limits,
    ) {
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
        transaction.pace.sent(at);
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
            if !self.caller_tags.iter().any(|tag| *tag == facts.from_tag) {
                let room = self.caller_tags.len() < limits.tags_per_call;
                self.passed.unless(room, Limit::TagsPerCall);
                if room {
                    self.caller_tags.push(facts.from_tag.clone().into_owned());
                }
            }
        } else if self.caller_tags.is_empty() && is_session_method(&facts.method) {
            // The capture began inside the call: whoever speaks first counts
            // as its caller.
            self.caller_tags.push(facts.from_tag.clone().into_owned());
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
                let target = facts.message.value(HeaderName::ReferTo).map(octets::text);
                handled.leads_to = target.map(|target| (Lead::Transfer, target));
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
    pub(super) fn response(
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
            self.caller_tags.push(facts.from_tag.clone().into_owned());
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
                to_tag: facts.to_tag.clone().map(Cow::into_owned),
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
            self.advance_dialogs(facts, status, limits);
            if (300..400).contains(&status) {
                let target = facts.message.value(HeaderName::Contact).map(octets::text);
                handled.leads_to = target.map(|target| (Lead::Redirection, target));
            }
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

    fn advance_dialogs(&mut self, facts: &Facts<'_, '_>, status: u16, limits: &Limits) {
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
                    from_tag: facts.from_tag.clone().into_owned(),
                    to_tag: to_tag.clone().into_owned(),
                    state,
                    was_confirmed: state == DialogState::Confirmed,
                }),
                None => self.passed.unless(false, Limit::DialogsPerCall),
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
}

fn input_of(status: u16) -> Input {
    match status {
        0..=199 => Input::Provisional,
        200..=299 => Input::Success,
        _ => Input::Failure,
    }
}
