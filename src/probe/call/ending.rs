//! How a test call ends, whoever ends it.

use super::super::sip_client::State;
use super::media::To;
use super::{ALLOW, CallProbe, Stage};
use crate::net::Endpoint;
use crate::sip::reply::{Answer, field, reply};
use crate::sip::{Method, SipMessage, StartLine, build};
use crate::time::{MILLISECOND, Timestamp};

/// Requests of the other side that are answered.
const MAX_REQUESTS: u32 = 64;
/// How long the last reports are waited for.
const LAST_REPORTS_NS: i64 = 300 * MILLISECOND;
/// Late answers to a call that is over are waited for so long.
const LINGERING_NS: i64 = 200 * MILLISECOND;

impl CallProbe {
    /// Ends the talk: reports first, and what the other side reports of it.
    pub(super) fn hang_up(&mut self, now: Timestamp) {
        self.media.stop();
        self.stage = Stage::Reporting;
        self.due = Some(now.offset(LAST_REPORTS_NS));
        if let Some((to, octets)) = self.media.report(now, false) {
            self.send_packet(To::Rtcp, to, octets);
        }
    }

    /// Ends what was answered.
    pub(super) fn end(&mut self, now: Timestamp) {
        if self.answered.is_some()
            && let Some((to, octets)) = self.media.report(now, true)
        {
            self.send_packet(To::Rtcp, to, octets);
        }
        self.media.stop();
        self.ended.get_or_insert(now);
        self.stage = Stage::Ending;
        self.due = None;
        for place in 0..self.dialogs.len() {
            self.bye(now, place);
        }
        self.ending(now);
    }

    pub(super) fn bye(&mut self, now: Timestamp, place: usize) {
        let Some(dialog) = self.dialogs.get(place).filter(|own| !own.is_over) else {
            return;
        };
        if dialog.bye.is_some() {
            return;
        }
        let dialog = dialog.clone();
        self.cseq += 1;
        let number = self.signalling();
        let branch = self.client.word(20);
        let via = self.client.via(number, &branch);
        let mut headers = self.heads(via, dialog.to, self.cseq, &Method::Bye);
        let routes = dialog.routes.into_iter();
        headers.extend(routes.map(|own| field("Route", own)));
        headers.extend(self.digest.answer("BYE", &dialog.uri, b""));
        let octets = build::request_to("BYE", &dialog.uri, headers, b"");
        let to = (number, dialog.hop);
        let exchange = (self.client).ask_in(now, to, Method::Bye, branch, |_| octets);
        self.asked.push(("BYE".to_owned(), exchange));
        if let Some(dialog) = self.dialogs.get_mut(place) {
            dialog.bye = Some(exchange);
        }
    }

    /// Whether all that was answered is over.
    pub(super) fn ending(&mut self, now: Timestamp) {
        for place in 0..self.dialogs.len() {
            let Some(dialog) = self.dialogs.get(place).filter(|own| !own.is_over) else {
                continue;
            };
            let state = (dialog.bye)
                .and_then(|own| self.client.get(own))
                .map(|own| own.state.clone());
            let is_over = match &state {
                None | Some(State::Waiting) => false,
                Some(State::Answered(response)) if matches!(response.status, 401 | 407) => {
                    let message = response.message();
                    self.digest.begin();
                    let taken = message.map(|own| self.digest.take(&own, response.status));
                    let again =
                        taken == Some(Ok(())) && self.told.bye_status != Some(response.status);
                    self.told.bye_status = Some(response.status);
                    if again {
                        if let Some(dialog) = self.dialogs.get_mut(place) {
                            dialog.bye = None;
                        }
                        self.bye(now, place);
                    }
                    !again
                }
                Some(State::Answered(response)) => {
                    self.told.bye_status = Some(response.status);
                    true
                }
                Some(State::Silent | State::Refused(_)) => true,
            };
            if let Some(dialog) = self.dialogs.get_mut(place) {
                dialog.is_over = is_over;
            }
        }
        if self.dialogs.iter().any(|own| !own.is_over) {
            self.due = None;
        } else if self.due.is_none() {
            // Another branch may answer yet.
            self.due = Some(now.offset(LINGERING_NS));
        } else if self.is_due(now) {
            self.stage = Stage::Over;
        }
    }

    /// A request of the other side.
    pub(super) fn request(
        &mut self,
        now: Timestamp,
        (socket, from): (u16, Endpoint),
        octets: &[u8],
    ) {
        let Some(message) = SipMessage::parse(octets) else {
            return;
        };
        let StartLine::Request { method, .. } = message.start_line() else {
            return;
        };
        self.requests += 1;
        if self.requests > MAX_REQUESTS {
            self.client.strays += 1;
            return;
        }
        let method = method.clone();
        let tag = message.from().and_then(|own| own.tag()).unwrap_or_default();
        let is_own = message.call_id() == Some(self.call_id.as_bytes());
        let place = (self.dialogs.iter()).position(|own| is_own && own.tag.as_bytes() == tag);
        let body = self.description();
        let (status, body) = match (&method, place) {
            (Method::Ack, _) => return,
            (Method::Options, _) => (200, ""),
            (_, None) => (481, ""),
            (Method::Bye | Method::Info, _) => (200, ""),
            (Method::Invite, _) => (200, body.as_str()),
            (Method::Update, _) if message.sdp().is_some() => (200, body.as_str()),
            (Method::Update, _) => (200, ""),
            _ => (405, ""),
        };
        let mut headers = vec![self.contact(), field("Allow", ALLOW.to_owned())];
        if !body.is_empty() {
            headers.push(field("Content-Type", "application/sdp".to_owned()));
        }
        let answer = Answer {
            status,
            tag: &self.tag,
            headers,
            body: body.as_bytes(),
        };
        if let Some(reply) = reply(&message, from, self.config.transport.wire(), answer) {
            self.client.send(socket, reply.to, reply.octets);
        }
        let is_over = method == Method::Bye;
        if let Some(dialog) = place
            .and_then(|own| self.dialogs.get_mut(own))
            .filter(|_| is_over)
        {
            dialog.is_over = true;
            let talks = matches!(self.stage, Stage::Talking | Stage::Reporting);
            if talks && place == Some(0) {
                self.told.ended_by = Some("peer".to_owned());
                self.end(now);
            }
        }
        let offer = message.sdp().filter(|_| status == 200 && place == Some(0));
        if let Some(remote) = offer.and_then(|own| self.answer(own))
            && self.stage == Stage::Talking
        {
            self.media.start(now, remote);
        }
    }
}
